import {
  answerTo,
  businessDay,
  type Link,
  operations,
  parseHours,
  readOfferReference,
  retrievalReference,
  transmissionTime,
  verificationElement,
} from '@tsunagu/protocols/acquiring';
import {
  type FieldValue,
  formatOriginalData,
  type Message,
  originalMti,
  responseMti,
  textOf,
} from '@tsunagu/protocols/iso8583';
import { unwrap } from '@tsunagu/protocols/kit';
import type { Decision } from '../journal/journal.ts';
import type { SaleRow } from '../journal/written.ts';
import { adviceOf } from '../stand-in/rules.ts';
import type { Face } from './asking.ts';

/** Elements that belong to the link a message came over, and end with it. */
const ofTheLink = new Set(['28', '29', '53', '64', '96', '128']);

/**
 * A request or advice as it goes to the issuer: our trace number and retrieval reference, the acquirer, the business day of the link, and what it
 * follows by the number under which the issuer knows that; all else as it came.
 */
export function issuerRequest(
  sale: Message,
  acquirer: string,
  link: Pick<Link, 'calendar' | 'verificationElement'> | undefined,
  outStan: string,
  nowMs: number,
  original?: { readonly mti: string; readonly stan: string; readonly localTime: string },
): Message {
  const fields: { [element: number]: FieldValue } = {};
  for (const [number, value] of Object.entries(sale.fields)) if (!ofTheLink.has(number)) fields[Number(number)] = value;
  // The offer is between the terminal and us; what was agreed stands in DE6, DE10 and DE51.
  if (typeof fields[62] === 'string' && readOfferReference(fields[62]) !== undefined) delete fields[62];
  const verifications = fields[verificationElement];
  if (typeof verifications === 'string' && verifications.startsWith('CV')) {
    const element = link === undefined ? verificationElement : link.verificationElement;
    delete fields[verificationElement];
    if (element !== null) fields[element] = verifications;
  }
  fields[7] = transmissionTime(nowMs);
  fields[11] = outStan;
  if (link?.calendar.stamped) fields[28] = businessDay(link, nowMs);
  fields[32] = acquirer;
  fields[37] = retrievalReference(nowMs, outStan);
  if (original) fields[56] = unwrap(formatOriginalData({ ...original, acquirer }));
  return { mti: originalMti(sale.mti), fields };
}

/** The MTI under which the issuer knows a transaction: that of an advice, where it was approved in its place. */
export function toldMti({ kind, decided_by }: Pick<SaleRow, 'kind' | 'decided_by'>): string {
  const advice = decided_by === 'switch' ? adviceOf(kind) : undefined;
  return operations[advice ?? kind].mti;
}

/** What of a sale its reversal needs; the rest is not kept. */
export function reversalImage(sale: Message): Message {
  const kept = [2, 3, 4, 6, 7, 10, 11, 12, 14, 22, 23, 26, 28, 32, 37, 41, 42, 49, 51] as const;
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

/** An answer of the switch itself, as bytes of the link it goes to. */
export const ownAnswer = (
  { codec, echo, stampOf }: Face,
  request: Message,
  actionCode: string,
  nowMs: number,
  added: { readonly [element: number]: FieldValue } = {},
): Uint8Array =>
  unwrap(
    codec.encode(answerTo(request, answerMti(request), echo, { ...stamp(stampOf(nowMs)), ...added, 39: actionCode })),
  );

/** A decision of the switch itself, with its answer. */
export const ownDecision = (
  face: Face,
  request: Message,
  actionCode: string,
  reason: string | undefined,
  nowMs: number,
  added?: { readonly [element: number]: FieldValue },
): Decision => ({ by: 'switch', actionCode, reason, answer: ownAnswer(face, request, actionCode, nowMs, added) });

/** The issuer's answer as whoever asked gets it: its own keys again, and the issuer's word. */
export function passedOn({ codec, echo, stampOf }: Face, request: Message, answer: Message, nowMs: number): Uint8Array {
  const added: { [element: number]: FieldValue } = { ...stamp(stampOf(nowMs)) };
  for (const number of [2, 6, 10, 14, 37, 38, 39, 51, 54, 55]) {
    const value = answer.fields[number];
    if (value !== undefined) added[number] = value;
  }
  // An issuer's own words are for nobody here; its hours are.
  const about = textOf(answer, 44);
  if (about !== undefined && parseHours(about)) added[44] = about;
  return unwrap(codec.encode(answerTo(request, answerMti(request), echo, added)));
}

const stamp = (day: string | undefined): { [element: number]: string } => (day === undefined ? {} : { 28: day });

/** Elements that an issuer must repeat and that it says otherwise. */
export const differences = (link: Pick<Link, 'profile'>, request: Message, answer: Message): readonly number[] =>
  link.profile.echo.filter(
    (number) =>
      number !== 7 && answer.fields[number] !== undefined && isOther(answer.fields[number], request.fields[number]),
  );

const isOther = (answered: FieldValue | undefined, asked: FieldValue | undefined): boolean =>
  typeof answered === 'string' && typeof asked === 'string'
    ? answered !== asked
    : answered !== undefined && asked === undefined;
