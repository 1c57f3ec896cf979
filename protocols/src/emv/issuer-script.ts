import { type CommandApdu, decodeCommand, encodeCommand } from '../apdu/index.ts';
import { fail, ok, type Result } from '../kit/index.ts';
import { encodeTlv, type Tlv } from '../tlv/index.ts';

/** One issuer script: commands for the card, before (71) or after (72) the second GENERATE AC. */
export interface IssuerScript {
  readonly template: 0x71 | 0x72;
  /** 9F18, 4 bytes, when the issuer gave one. */
  readonly identifier?: Uint8Array;
  readonly commands: readonly CommandApdu[];
}

/** Total length of all script templates that a terminal must take. EMV 4.3 Book 3, 10.10. */
export const scriptBytesMax = 128;

/** Reads an issuer script template. The commands are the issuer's affair: only their form is judged. */
export function parseIssuerScript(object: Tlv): Result<IssuerScript, 'EMV_SCRIPT_INVALID'> {
  const { tag } = object;
  if (tag !== 0x71 && tag !== 0x72) return fail('EMV_SCRIPT_INVALID', { offset: object.offset });
  const commands: CommandApdu[] = [];
  let identifier: Uint8Array | undefined;
  for (const child of object.children) {
    if (child.tag === 0x9f18) {
      if (child.length !== 4 || identifier !== undefined)
        return fail('EMV_SCRIPT_INVALID', { field: '9F18', offset: child.offset });
      identifier = child.value;
    } else if (child.tag === 0x86) {
      const read = decodeCommand(child.value);
      if (!read.ok) return fail('EMV_SCRIPT_INVALID', { field: '86', offset: child.offset, cause: read.fault });
      commands.push(read.value);
    } else return fail('EMV_SCRIPT_INVALID', { offset: child.offset });
  }
  if (commands.length === 0) return fail('EMV_SCRIPT_INVALID', { field: '86', offset: object.offset });
  return ok(identifier === undefined ? { template: tag, commands } : { template: tag, identifier, commands });
}

/** Writes an issuer script template. */
export function encodeIssuerScript({
  template,
  identifier,
  commands,
}: IssuerScript): Result<Uint8Array, 'APDU_VALUE_INVALID'> {
  const value: { tag: number; value: Uint8Array }[] = [];
  if (identifier !== undefined) value.push({ tag: 0x9f18, value: identifier });
  for (const apdu of commands) {
    const bytes = encodeCommand(apdu);
    if (!bytes.ok) return bytes;
    value.push({ tag: 0x86, value: bytes.value });
  }
  return ok(encodeTlv([{ tag: template, value }]));
}

/** What became of a script, as byte 1 of the issuer script results (9F5B) tells it. */
export type ScriptOutcome = 'notPerformed' | 'failed' | 'succeeded';

/** One entry of the issuer script results, 5 bytes. EMV 4.3 Book 4, annex A5. */
export function encodeScriptResult(outcome: ScriptOutcome, failedAt: number, identifier?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5);
  const high = outcome === 'notPerformed' ? 0x00 : outcome === 'failed' ? 0x10 : 0x20;
  bytes[0] = high | (outcome === 'failed' ? Math.min(failedAt, 15) : 0);
  if (identifier !== undefined) bytes.set(identifier.subarray(0, 4), 1);
  return bytes;
}
