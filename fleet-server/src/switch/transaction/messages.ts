import {
  answerTo,
  businessDay,
  formatRemark,
  type Link,
  type Operation,
  operations,
  parseRemark,
  readOfferReference,
  type Remark,
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
const ofTheLink: ReadonlySet<number> = new Set([28, 29, 53, 64, 96, 128]);

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
  // From the highest down, so that the object is given its room once.
  for (let number = 128; number >= 2; number -= 1) {
    const value = sale.fields[number];
    if (value !== undefined && !ofTheLink.has(number)) fields[number] = value;
  }
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

/** What of a sale its reversal needs, from the highest down. */
const ofReversals = [51, 49, 42, 41, 37, 32, 28, 26, 23, 22, 14, 12, 11, 10, 7, 6, 4, 3, 2] as const;

/** What of a sale its reversal needs; the rest is not kept. */
export function reversalImage(sale: Message): Message {
  const fields: { [element: number]: FieldValue } = {};
  for (const number of ofReversals) {
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

/** What of an issuer's answer whoever asked gets, from the highest down. */
const ofAnswers = [55, 54, 51, 39, 38, 37, 10, 6] as const;
/** And of one to a validity check: the card that took the place of another. What other answers repeat of a card is not kept. */
const ofValidity = [...ofAnswers, 14, 2] as const;

/** DE44 of an answer: what there is to say beside the action code, and what the till shows for it over this link. */
export function remark(
  link: Pick<Link, 'profile'> | undefined,
  actionCode: string,
  said: Omit<Remark, 'tillCode'> = {},
): { readonly [element: number]: string } {
  const text = formatRemark({ ...said, tillCode: link?.profile.codes.till[actionCode] });
  return text === '' ? {} : { 44: text };
}

/** The issuer's answer as whoever asked gets it: its own keys again, and the issuer's word. */
export function passedOn(
  { codec, echo, stampOf }: Face,
  request: Message,
  answer: Message,
  link: Pick<Link, 'profile'> | undefined,
  kind: Operation,
  nowMs: number,
): Uint8Array {
  const added: { [element: number]: FieldValue } = { ...stamp(stampOf(nowMs)) };
  for (const number of kind === 'validity' ? ofValidity : ofAnswers) {
    const value = answer.fields[number];
    if (value !== undefined) added[number] = value;
  }
  // An issuer's own words are for nobody here; its hours are.
  const { hours } = parseRemark(textOf(answer, 44) ?? '');
  Object.assign(added, remark(link, textOf(answer, 39) ?? '', { hours }));
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
