import { createCipheriv, createDecipheriv } from 'node:crypto';
import { type CommandApdu, command } from '../apdu/index.ts';
import { concat, equalInConstantTime, fail, ok, type Result, type Secret } from '../kit/index.ts';
import { commonSessionKey } from './key-derivation.ts';
import { offlinePinBlock, readOfflinePinBlock } from './pin-encipherment.ts';
import { macAlgorithm3 } from './tdes.ts';

/** Keys of one transaction for the issuer's commands, and what the next MAC continues from. */
export interface ScriptSession {
  readonly integrity: Secret<'key'>;
  readonly confidentiality: Secret<'key'>;
  /** 8 bytes: the first cryptogram of the transaction, then the whole MAC of the command before. */
  readonly chain: Uint8Array;
}

/** Bytes of a MAC that travel at the end of the command data. */
const macBytes = 4;

/**
 * The session in which an issuer commands a card: both keys come from the card's master keys and the first cryptogram.
 *
 * @param cryptogram 9F26 of the first GENERATE AC, 8 bytes.
 * @see EMV 4.3 Book 2, 9.2.2 and 9.3.2 with A1.3.1 (common core definitions)
 */
export const scriptSession = (
  masterKeys: { readonly integrity: Secret<'key'>; readonly confidentiality: Secret<'key'> },
  cryptogram: Uint8Array,
): ScriptSession => ({
  integrity: commonSessionKey(masterKeys.integrity, cryptogram),
  confidentiality: commonSessionKey(masterKeys.confidentiality, cryptogram),
  chain: cryptogram,
});

/** MAC over chain, header with Lc, and data. EMV 4.3 Book 2, 9.2.3 (format 2) and A1.2.1. */
function macOf({ integrity, chain }: ScriptSession, { cla, ins, p1, p2 }: CommandApdu, data: Uint8Array): Uint8Array {
  const header = Uint8Array.of(cla, ins, p1, p2, data.length + macBytes);
  return integrity.use((key) => macAlgorithm3(key, concat(chain, header, data), 2));
}

/** Adds the MAC to an issuer's command. Its class must say so (x4); `next` seals the command that follows. */
export function sealScriptCommand(
  session: ScriptSession,
  clear: CommandApdu,
): { readonly sealed: CommandApdu; readonly next: ScriptSession } {
  const { cla, ins, p1, p2, data } = clear;
  const mac = macOf(session, clear, data);
  return {
    sealed: command(cla, ins, p1, p2, concat(data, mac.subarray(0, macBytes))),
    next: { ...session, chain: mac },
  };
}

/** Checks the MAC of an issuer's command as the card does, and takes it off. A wrong one is EMV_CRYPTOGRAM_WRONG, whatever is wrong. */
export function openScriptCommand(
  session: ScriptSession,
  sealed: CommandApdu,
): Result<{ readonly data: Uint8Array; readonly next: ScriptSession }, 'EMV_CRYPTOGRAM_WRONG'> {
  if (sealed.data.length < macBytes) return fail('EMV_CRYPTOGRAM_WRONG');
  const data = sealed.data.subarray(0, -macBytes);
  const mac = macOf(session, sealed, data);
  if (!equalInConstantTime(mac.subarray(0, macBytes), sealed.data.subarray(-macBytes)))
    return fail('EMV_CRYPTOGRAM_WRONG');
  return ok({ data, next: { ...session, chain: mac } });
}

/** A cipher is made for each PIN: two-key TDES in CBC with a zero vector. EMV 4.3 Book 2, 9.3.3 and A1.1. */
const vector = new Uint8Array(8);
const ede3 = (key: Uint8Array): Uint8Array => concat(key, key.subarray(0, 8));

/** Enciphers a new PIN for PIN CHANGE/UNBLOCK: a block of format 2, filled with 80 and zeros to 16 bytes. */
export function encipherScriptPin(
  { confidentiality }: ScriptSession,
  pin: Secret<'pin'>,
): Result<Uint8Array, 'EMV_VALUE_INVALID'> {
  const block = offlinePinBlock(pin);
  if (!block.ok) return block;
  return ok(
    confidentiality.use((key) =>
      block.value.use((bytes) => {
        const cipher = createCipheriv('des-ede3-cbc', ede3(key), vector).setAutoPadding(false);
        return Uint8Array.from(cipher.update(concat(bytes, Uint8Array.of(0x80), new Uint8Array(7))));
      }),
    ),
  );
}

/** Deciphers a new PIN; everything malformed is one error. */
export function decipherScriptPin(
  { confidentiality }: ScriptSession,
  enciphered: Uint8Array,
): Result<Secret<'pin'>, 'EMV_VALUE_INVALID'> {
  if (enciphered.length !== 16) return fail('EMV_VALUE_INVALID', { field: 'PIN' });
  return confidentiality.use((key) => {
    const decipher = createDecipheriv('des-ede3-cbc', ede3(key), vector).setAutoPadding(false);
    const clear = Uint8Array.from(decipher.update(enciphered));
    const isFilled = clear[8] === 0x80 && clear.subarray(9).every((byte) => byte === 0);
    const pin = readOfflinePinBlock(clear.subarray(0, 8));
    clear.fill(0);
    return isFilled ? pin : fail('EMV_VALUE_INVALID', { field: 'PIN' });
  });
}
