import {
  answerTo,
  issuerLink,
  retrievalReference,
  terminalCodec,
  terminalLink,
  transmissionTime,
} from '@tsunagu/protocols/acquiring';
import {
  type FieldValue,
  formatOriginalData,
  type Message,
  originalMti,
  responseMti,
} from '@tsunagu/protocols/iso8583';
import { unwrap } from '@tsunagu/protocols/kit';

/**
 * A terminal's request or advice as it goes to the issuer: our trace number, acquirer and retrieval reference, and what it follows by the
 * number under which the issuer knows that; all else as it came.
 */
export function issuerRequest(
  sale: Message,
  outStan: string,
  nowMs: number,
  original?: { readonly mti: string; readonly stan: string; readonly localTime: string },
): Message {
  const fields: { [element: number]: FieldValue } = { ...sale.fields };
  fields[7] = transmissionTime(nowMs);
  fields[11] = outStan;
  fields[32] = terminalLink.acquirerId;
  fields[37] = retrievalReference(nowMs, outStan);
  if (original) fields[56] = unwrap(formatOriginalData({ ...original, acquirer: issuerLink.acquirerId }));
  return { mti: originalMti(sale.mti), fields };
}

/** What of a sale its reversal needs; the rest is not kept. */
export function reversalImage(sale: Message): Message {
  const kept = [2, 3, 4, 7, 11, 12, 14, 22, 23, 26, 32, 37, 41, 42, 49] as const;
  const fields: { [element: number]: FieldValue } = {};
  for (const number of kept) {
    const value = sale.fields[number];
    if (value !== undefined) fields[number] = value;
  }
  return { mti: sale.mti, fields };
}

function answerMti({ mti }: Message): string {
  const answered = responseMti(mti);
  if (answered === undefined) throw new Error(`a ${mti} is not answered`);
  return answered;
}

/** An answer of the switch itself, as bytes of the terminal link. */
export const ownAnswer = (
  request: Message,
  actionCode: string,
  added: { readonly [element: number]: FieldValue } = {},
): Uint8Array =>
  unwrap(
    terminalCodec.encode(
      answerTo(request, answerMti(request), terminalLink.echoElements, { ...added, 39: actionCode }),
    ),
  );

/** The issuer's answer as the terminal gets it: its own keys again, and the issuer's word. */
export function passedOn(request: Message, answer: Message): Uint8Array {
  const added: { [element: number]: FieldValue } = {};
  for (const number of [2, 6, 10, 14, 37, 38, 39, 51, 54, 55]) {
    const value = answer.fields[number];
    if (value !== undefined) added[number] = value;
  }
  return unwrap(terminalCodec.encode(answerTo(request, answerMti(request), terminalLink.echoElements, added)));
}

/** Elements that an issuer must repeat; the first that differs, or undefined. */
export const firstDifference = (request: Message, answer: Message): number | undefined =>
  issuerLink.echoElements.find(
    (number) => number !== 7 && answer.fields[number] !== undefined && answer.fields[number] !== request.fields[number],
  );
