import { command } from '@tsunagu/protocols/apdu';
import { encodeScriptResult, parseIssuerScript, type ScriptOutcome, scriptBytesMax } from '@tsunagu/protocols/emv';
import { concat } from '@tsunagu/protocols/kit';
import { decodeTlv, findTlv, type Tlv } from '@tsunagu/protocols/tlv';
import type { CardObjects } from './card-objects.ts';
import { authenticatesIssuer } from './cryptogram.ts';
import { type Dialogue, note, type OnlineResult, transmit } from './dialogue.ts';
import { found, performed, type Results, tsiBits, tvrBits } from './results.ts';

/** Authorisation response codes (8A) that a terminal makes itself, and those that stand for the issuer's. EMV 4.3 Book 4, A6. */
const responseCodes = {
  approved: '00',
  declined: '05',
  /** Approved and declined without asking. */
  offlineApproved: 'Y1',
  offlineDeclined: 'Z1',
  /** Approved and declined because the issuer could not be asked. */
  unableApproved: 'Y3',
  unableDeclined: 'Z3',
} as const;

/** A response code (8A) as its two bytes. */
export const responseCode = (name: keyof typeof responseCodes): Uint8Array =>
  Uint8Array.from(Buffer.from(responseCodes[name], 'latin1'));

/** The issuer's answer, as card and kernel need it. */
export interface IssuerAnswer {
  readonly isApproved: boolean;
  /** 8A. */
  readonly responseCode: Uint8Array;
  /** 91. */
  readonly authentication: Uint8Array | undefined;
  readonly scripts: readonly Tlv[];
}

/** Reads what came back. Objects that cannot be read count as absent: the card then judges without them. */
export function readIssuerAnswer(result: Extract<OnlineResult, { type: 'answered' }>): IssuerAnswer {
  const read = decodeTlv(result.emv);
  const objects = read.ok ? read.value : [];
  const code = findTlv(objects, 0x8a)?.value;
  const authentication = findTlv(objects, 0x91)?.value;
  return {
    isApproved: result.isApproved,
    responseCode: code?.length === 2 ? code : responseCode(result.isApproved ? 'approved' : 'declined'),
    authentication:
      authentication !== undefined && authentication.length >= 8 && authentication.length <= 16
        ? authentication
        : undefined,
    scripts: objects.filter(({ tag }) => tag === 0x71 || tag === 0x72),
  };
}

/** Lets the card check the issuer, where it does that by a command of its own. EMV 4.3 Book 3, 10.9. */
export function* authenticateIssuer(
  results: Results,
  { authentication }: IssuerAnswer,
  card: CardObjects,
): Dialogue<Results> {
  if (authentication === undefined || !authenticatesIssuer(card)) return results;
  const answer = yield* transmit(command(0x00, 0x82, 0x00, 0x00, authentication));
  const done = performed(results, tsiBits.issuerAuthenticated);
  return answer.sw === 0x9000 ? done : found(done, tvrBits.issuerAuthenticationFailed);
}

/** Commands of one script, and scripts of one answer: no issuer needs more, and the length limit does not allow them. */
const scriptCommandsMax = 32;
const scriptsMax = 8;

/** What scripts did: results of the terminal, and 9F5B. */
export interface ScriptRun {
  readonly results: Results;
  readonly scriptResults: Uint8Array;
}

/**
 * Passes the issuer's commands of one template to the card: 71 before the second GENERATE AC, 72 after it. A script ends at its first
 * error, and one that cannot be read has failed without a command. EMV 4.3 Book 3, 10.10; Book 4, 6.3.9 and A5.
 */
export function* runScripts(
  { results, scriptResults }: ScriptRun,
  { scripts }: IssuerAnswer,
  template: 0x71 | 0x72,
): Dialogue<ScriptRun> {
  const failedBit = template === 0x71 ? tvrBits.scriptFailedBefore : tvrBits.scriptFailedAfter;
  let next = results;
  let told = scriptResults;
  let bytes = 0;
  for (const object of scripts.filter(({ tag }) => tag === template).slice(0, scriptsMax)) {
    next = performed(next, tsiBits.scriptsRun);
    bytes += object.whole.length;
    const { outcome, at } = bytes > scriptBytesMax ? notPerformed : yield* runScript(object);
    if (outcome !== 'succeeded') next = found(next, failedBit);
    const identifier = findTlv(object.children, 0x9f18)?.value;
    told = concat(told, encodeScriptResult(outcome, at, identifier));
    yield* note({ type: 'script', template: template === 0x71 ? '71' : '72', outcome, at });
  }
  return { results: next, scriptResults: told };
}

interface ScriptEnd {
  readonly outcome: ScriptOutcome;
  /** The command that failed, from 1; 0 for none. */
  readonly at: number;
}

const notPerformed: ScriptEnd = { outcome: 'notPerformed', at: 0 };

function* runScript(object: Tlv): Dialogue<ScriptEnd> {
  const script = parseIssuerScript(object);
  if (!script.ok || script.value.commands.length > scriptCommandsMax) return notPerformed;
  for (const [index, apdu] of script.value.commands.entries()) {
    const { sw } = yield* transmit(apdu);
    const sw1 = sw >> 8;
    // Warnings do not stop a script.
    if (sw1 !== 0x90 && sw1 !== 0x62 && sw1 !== 0x63) return { outcome: 'failed', at: index + 1 };
  }
  return { outcome: 'succeeded', at: 0 };
}
