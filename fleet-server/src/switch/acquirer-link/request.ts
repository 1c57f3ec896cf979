import { type Link, terminalLink } from '@tsunagu/protocols/acquiring';
import { type DecodedMessage, isApproval, originalMti } from '@tsunagu/protocols/iso8583';
import { fail, type Result } from '@tsunagu/protocols/kit';
import { readValues, type TerminalRequest } from '../terminal-link/request.ts';

/** Elements that every request and advice of a centre has to have, and those that it may. ISO 8583:1993, 4.2. */
const mandatory = [2, 3, 4, 7, 11, 12, 22, 24, 32, 41, 42, 49] as const;
const optional = [
  14, 18, 23, 25, 26, 28, 29, 30, 33, 35, 37, 38, 43, 48, 52, 55, 56, 59, 60, 61, 62, 63, 64, 128,
] as const;
const allowed: ReadonlySet<number> = new Set([...mandatory, ...optional]);
/** Only an advice says what was decided, and who did. */
const ofAdvices: ReadonlySet<number> = new Set([39, 58]);
/** What serves a decision alone: once it was made they are not passed on, nor kept until an issuer is back (PCI DSS 4.0.1, 3.3). */
const ofRequests: ReadonlySet<number> = new Set([35, 52]);

const refused = (field: number, expected: string) => fail('ACQUIRING_MESSAGE_REFUSED', { field, facts: { expected } });

/** How a card came to a centre: as at a terminal, or typed in, or out of an order over the net. DE22, position 7. */
const centreEntries: Readonly<Record<string, string>> = {
  '1': 'keyed',
  '6': 'keyed',
  S: 'e-commerce',
  '2': 'stripe',
  '9': 'stripe',
  '5': 'contact',
  M: 'contactless',
  A: 'contactless',
  '0': 'stored',
};

/**
 * Reads a decoded message as a request or an advice of a merchant centre. Order of faults: kind of message, elements present, the acquirer it speaks for, single
 * values. An advice is of something that was approved. ACQUIRING_MESSAGE_REFUSED names the element (0 for the MTI); the centre gets 904.
 */
export function readCentreRequest(
  decoded: DecodedMessage,
  link: Link,
): Result<TerminalRequest, 'ACQUIRING_MESSAGE_REFUSED'> {
  const mti = originalMti(decoded.mti);
  if (!/^1(100|120|200|220|420)$/.test(mti)) return refused(0, 'a request or an advice');
  const isAdvice = mti === '1120' || mti === '1220';
  if (isAdvice && !link.advices.includes(mti)) return refused(0, 'an advice that this link may bring');
  const present = new Set(decoded.elements);
  for (const number of mandatory) if (!present.has(number)) return refused(number, 'present');
  for (const number of present)
    if (!(allowed.has(number) || (isAdvice && ofAdvices.has(number))) || (isAdvice && ofRequests.has(number)))
      return refused(number, 'absent');
  if (isAdvice && !isApproval(decoded.text(39) ?? '000')) return refused(39, 'an approval');
  const acquirer = decoded.text(32);
  if (acquirer === undefined || !link.parties.acquirers.includes(acquirer))
    return refused(32, 'an acquirer of this link');
  if (decoded.text(49) !== terminalLink.currency) return refused(49, terminalLink.currency);
  const isReversal = decoded.mti.startsWith('14');
  if (isReversal && decoded.text(24) !== '400') return refused(24, '400');
  return readValues(decoded, isReversal, centreEntries[decoded.text(22)?.[6] ?? '']);
}
