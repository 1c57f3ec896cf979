import { command } from '@tsunagu/protocols/apdu';
import { parseIssuerScript, scriptBytesMax } from '@tsunagu/protocols/emv';
import { decodeTlv, findTlv, type Tlv } from '@tsunagu/protocols/tlv';
import { type Dialogue, type OnlineResult, transmit } from './dialogue.ts';
import { found, performed, type Results, tsiBits, tvrBits } from './results.ts';

/** Authorisation response codes (8A) that a terminal makes itself, and those that stand for the issuer's. EMV 4.3 Book 4, A6. */
const responseCodes = { approved: '00', declined: '05', unableToGoOnline: 'Z3' } as const;

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
export function readIssuerAnswer(result: OnlineResult): IssuerAnswer {
  const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
  if (result.type === 'unable') {
    const responseCode = ascii(responseCodes.unableToGoOnline);
    return { isApproved: false, responseCode, authentication: undefined, scripts: [] };
  }
  const read = decodeTlv(result.emv);
  const objects = read.ok ? read.value : [];
  const responseCode = findTlv(objects, 0x8a)?.value;
  const authentication = findTlv(objects, 0x91)?.value;
  return {
    isApproved: result.isApproved,
    responseCode:
      responseCode?.length === 2
        ? responseCode
        : ascii(result.isApproved ? responseCodes.approved : responseCodes.declined),
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
  interchangeProfile: Uint8Array | undefined,
): Dialogue<Results> {
  if (authentication === undefined || ((interchangeProfile?.[0] ?? 0) & 0x04) === 0) return results;
  const answer = yield* transmit(command(0x00, 0x82, 0x00, 0x00, authentication));
  const done = performed(results, tsiBits.issuerAuthenticated);
  return answer.sw === 0x9000 ? done : found(done, tvrBits.issuerAuthenticationFailed);
}

/** Commands of one script: no issuer needs more, and the length limit does not allow them. */
const scriptCommandsMax = 32;

/**
 * Passes the issuer's commands of one template to the card: 71 before the second GENERATE AC, 72 after it. A script ends at its first
 * error, and a script that cannot be read has failed. EMV 4.3 Book 3, 10.10; Book 4, 6.3.9.
 */
export function* runScripts(results: Results, { scripts }: IssuerAnswer, template: 0x71 | 0x72): Dialogue<Results> {
  const failed = template === 0x71 ? tvrBits.scriptFailedBefore : tvrBits.scriptFailedAfter;
  let next = results;
  let bytes = 0;
  for (const object of scripts) {
    if (object.tag !== template) continue;
    next = performed(next, tsiBits.scriptsRun);
    bytes += object.whole.length;
    const script = parseIssuerScript(object);
    if (!script.ok || bytes > scriptBytesMax) {
      next = found(next, failed);
      continue;
    }
    for (const apdu of script.value.commands.slice(0, scriptCommandsMax)) {
      const { sw } = yield* transmit(apdu);
      const sw1 = sw >> 8;
      if (sw1 === 0x90 || sw1 === 0x62 || sw1 === 0x63) continue;
      next = found(next, failed);
      break;
    }
  }
  return next;
}
