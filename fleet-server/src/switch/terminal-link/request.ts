import { hash } from 'node:crypto';
import {
  checkElements,
  entryModeOf,
  functions,
  type Conversion,
  isInquiry,
  isRateLookUp,
  type Operation,
  operationOf,
  rateMessages,
  readConversion,
  readOfferReference,
  terminalLink,
  terminalMessages,
} from '@tsunagu/protocols/acquiring';
import {
  type DecodedMessage,
  type FieldValue,
  type Message,
  originalMti,
  type OriginalData,
  parseOriginalData,
  validate,
} from '@tsunagu/protocols/iso8583';
import { fail, ok, type Result, Secret } from '@tsunagu/protocols/kit';

interface RequestKeys {
  readonly stan: string;
  readonly localTime: string;
  readonly amountMinor: number;
  readonly pan: Secret<'pan'>;
  /** The message with values of its own: it outlives the bytes it was read from. */
  readonly message: Message;
}

/** A 1100, 1120, 1200 or 1220, or its repeat, that makes sense. */
export interface TerminalSale extends RequestKeys {
  readonly kind: 'sale';
  readonly operation: Operation;
  readonly entry: string;
  /** What it follows: the sale of a refund, the authorisation of a completion, what a transit card was asked. */
  readonly original: OriginalData | undefined;
  /** What it is in the cardholder's currency, and the offer that says so (DE6, DE10, DE51, DE62). */
  readonly conversion: Conversion | undefined;
  readonly reference: string | undefined;
}

/** A 1420 or 1421 that makes sense. */
export interface TerminalReversal extends RequestKeys {
  readonly kind: 'reversal';
  readonly original: OriginalData;
  /** DE25. */
  readonly reason: string;
}

/** What a terminal may ask the switch. */
export type TerminalRequest = TerminalSale | TerminalReversal;

const refused = (field: number, expected: string) => fail('ACQUIRING_MESSAGE_REFUSED', { field, facts: { expected } });

/**
 * Reads a decoded message as a request of this terminal. Order of faults: kind of message, elements present, semantic rules,
 * single values. ACQUIRING_MESSAGE_REFUSED names the element (0 for the MTI); the terminal gets 904.
 */
export function readRequest(
  decoded: DecodedMessage,
  own: { readonly 41: string },
): Result<TerminalRequest, 'ACQUIRING_MESSAGE_REFUSED'> {
  const { mti } = decoded;
  if (!isRequestMti(mti)) return refused(0, 'a request or an advice');
  const isRate = isRateLookUp(decoded.text(3)) && (mti === '1100' || mti === '1101');
  const table = isRate ? rateMessages[mti] : terminalMessages[mti];
  const present = checkElements(table, new Set(decoded.elements), decoded.text(22));
  if (!present.ok) return present;
  const finding = validate(decoded).find(({ severity }) => severity === 'error');
  if (finding) return refused(finding.field, finding.code);
  const isReversal = mti.startsWith('14');
  const wanted = [
    [41, own[41]],
    [49, terminalLink.currency],
    ...(isReversal ? [[24, functions.fullReversal] as const] : []),
  ] as const;
  for (const [number, value] of wanted) if (decoded.text(number) !== value) return refused(number, value);
  return readValues(decoded, isReversal, entryModeOf(decoded.text(22) ?? ''));
}

const requestMtis = ['1100', '1101', '1120', '1121', '1200', '1201', '1220', '1221', '1420', '1421'] as const;
const isRequestMti = (mti: string): mti is (typeof requestMtis)[number] => requestMtis.some((known) => known === mti);

/** The values of a request whose elements are as they should be, whoever asks. `entry`: how the card was read, undefined for a way that is not known. */
export function readValues(
  decoded: DecodedMessage,
  isReversal: boolean,
  entry: string | undefined,
): Result<TerminalRequest, 'ACQUIRING_MESSAGE_REFUSED'> {
  const stan = decoded.text(11);
  const localTime = decoded.text(12);
  const amountMinor = Number(decoded.text(4));
  const pan = decoded.secret(2);
  const operation = operationOf(originalMti(decoded.mti), decoded.text(3), decoded.text(24));
  if (stan === undefined || localTime === undefined) return refused(11, 'present');
  if (!isReversal && operation === undefined) return refused(3, 'a known operation');
  const asksOnly = operation !== undefined && isInquiry(operation) && operation !== 'rate';
  if (amountMinor < 1 !== asksOnly) return refused(4, asksOnly ? 'zeros' : 'an amount');
  if (pan === undefined || pan.length < 12) return refused(2, 'a card number');
  const follows = decoded.text(56);
  const original = follows === undefined ? undefined : parseOriginalData(follows);
  if (original && (!original.ok || !/^1[12][02]0$/.test(original.value.mti)))
    return refused(56, 'a request or an advice');
  const keys = {
    stan,
    localTime,
    amountMinor,
    pan: pan.use((digits) => Secret.copy('pan', digits)),
    message: copyOf(decoded),
  };
  if (operation !== undefined) {
    if (entry === undefined) return refused(22, 'entry mode');
    const needs = operation === 'refund' || operation === 'completion' || operation === 'transitConfirm';
    if (needs !== (original !== undefined)) return refused(56, needs ? 'present' : 'absent');
    // A look-up may say the currency of the card; it agrees on nothing.
    const converted = operation === 'rate' ? ok(undefined) : readConversion((number) => decoded.text(number));
    if (!converted.ok) return converted;
    // A copy that gains properties costs V8 some microseconds, and lands in the old part of its heap.
    return ok(
      Object.assign(keys, {
        kind: 'sale' as const,
        operation,
        entry,
        original: original?.ok ? original.value : undefined,
        conversion: converted.value,
        reference: readOfferReference(decoded.text(62)),
      }),
    );
  }
  const reason = decoded.text(25);
  if (!original?.ok) return refused(56, 'present');
  if (reason === undefined) return refused(25, 'present');
  return ok({ ...keys, kind: 'reversal', original: original.value, reason });
}

/** A message whose binary values are copies, so that the bytes it came in can be wiped. */
function copyOf(decoded: DecodedMessage): Message {
  const fields: { [element: number]: FieldValue } = {};
  const { elements, values } = decoded;
  // From the highest down, so that the object is given its room once.
  for (let index = elements.length - 1; index >= 0; index -= 1) {
    const [number = 0, value = ''] = [elements[index], values[index]];
    fields[number] = value instanceof Uint8Array ? new Uint8Array(value) : value;
  }
  return { mti: decoded.mti, fields };
}

/** What a digest is made of, wiped behind each. A message has a few thousand bytes at most, and no call is interrupted. */
let digested = Buffer.alloc(2_048);

/**
 * A digest of what a request says, without the repeat digit of its MTI, its time of transmission (DE7), its PIN block (DE52, under another
 * key each time) and its MAC: a repeat has the same one. It covers the card number, so it is only ever stored as a keyed tag of itself.
 */
export function bodyDigest({ mti, fields }: Message): Secret<'pan'> {
  let most = 3;
  for (let number = 2; number <= 128; number += 1) most += 12 + (fields[number]?.length ?? -4) * 3;
  if (most > digested.length) digested = Buffer.alloc(2 * most);
  // In one piece: a call for each element takes longer than all of the digest.
  const text = digested;
  let at = text.write(mti.slice(0, 3));
  for (let number = 2; number <= 128; number += 1) {
    const value = fields[number];
    if (value === undefined || unrepeated.has(number)) continue;
    at += text.write(`\n${number}=${value.length}:`, at);
    if (typeof value === 'string') at += text.write(value, at);
    else {
      if (value instanceof Secret) value.use((bytes) => text.set(bytes, at));
      else text.set(value, at);
      at += value.length;
    }
  }
  const digest = hash('sha256', text.subarray(0, at), 'buffer');
  text.fill(0, 0, at);
  return Secret.take('pan', digest);
}

const unrepeated: ReadonlySet<number> = new Set([7, 52, 64, 128]);

/** Overwrites the secrets of a message. */
export function wipe({ fields }: Message): void {
  for (let number = 2; number <= 128; number += 1) {
    const value = fields[number];
    if (value instanceof Secret) value.wipe();
  }
}
