import { type Link, terminalLink } from '@tsunagu/protocols/acquiring';
import { type DecodedMessage, originalMti } from '@tsunagu/protocols/iso8583';
import { fail, type Result } from '@tsunagu/protocols/kit';
import { readValues, type TerminalRequest } from '../terminal-link/request.ts';

/** Elements that every request and advice of a centre has to have, and those that it may. ISO 8583:1993, 4.2. */
const mandatory = [2, 3, 4, 7, 11, 12, 22, 24, 32, 41, 42, 49] as const;
const optional = [
  14, 18, 23, 25, 26, 28, 29, 30, 33, 35, 37, 38, 43, 48, 52, 55, 56, 59, 60, 61, 62, 63, 64, 128,
] as const;
const allowed: ReadonlySet<number> = new Set([...mandatory, ...optional]);

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
 * Reads a decoded message as a request of a merchant centre. Order of faults: kind of message, elements present, the acquirer it speaks for, single
 * values. ACQUIRING_MESSAGE_REFUSED names the element (0 for the MTI); the centre gets 904.
 */
export function readCentreRequest(
  decoded: DecodedMessage,
  link: Link,
): Result<TerminalRequest, 'ACQUIRING_MESSAGE_REFUSED'> {
  if (!/^1(100|200|220|420)$/.test(originalMti(decoded.mti))) return refused(0, 'a request or an advice');
  const present = new Set(decoded.elements);
  for (const number of mandatory) if (!present.has(number)) return refused(number, 'present');
  for (const number of present) if (!allowed.has(number)) return refused(number, 'absent');
  const acquirer = decoded.text(32);
  if (acquirer === undefined || !link.parties.acquirers.includes(acquirer))
    return refused(32, 'an acquirer of this link');
  if (decoded.text(49) !== terminalLink.currency) return refused(49, terminalLink.currency);
  const isReversal = decoded.mti.startsWith('14');
  if (isReversal && decoded.text(24) !== '400') return refused(24, '400');
  return readValues(decoded, isReversal, centreEntries[decoded.text(22)?.[6] ?? '']);
}
