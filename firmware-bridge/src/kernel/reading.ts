import { command, type ResponseApdu } from '@tsunagu/protocols/apdu';
import { type AuthenticatedRecord, hasRightLength, parseAfl, parseCvmList } from '@tsunagu/protocols/emv';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { parseDol, tagName, tlv } from '@tsunagu/protocols/tlv';
import { templateOf } from './answers.ts';
import type { CardObjects } from './card-objects.ts';
import { type Dialogue, transmit } from './dialogue.ts';
import type { KernelCode } from './outcome.ts';
import { fillList, type Knowledge } from './terminal-objects.ts';

/** Records of one transaction: a locator that asks for more is a faulty card. */
const recordsMax = 64;

/** Format 1 of the answer to GET PROCESSING OPTIONS: interchange profile and file locator. EMV 4.3 Book 3, 6.5.8.4. */
export const optionsLayout = [
  { tag: 0x82, length: 2 },
  { tag: 0x94, length: 252 },
] as const;

/** A started transaction: the card's answer, and the values that it was sent. */
export interface StartedOnCard {
  readonly answer: ResponseApdu;
  /** What the PDOL asked for: a combined signature (CDA) covers it. */
  readonly pdolData: Uint8Array;
}

/** Starts the transaction on the card: GET PROCESSING OPTIONS with the values that its PDOL asks for. EMV 4.3 Book 3, 10.1. */
export function* startOnCard(
  pdol: Uint8Array | undefined,
  knowledge: Knowledge,
): Dialogue<Result<StartedOnCard, KernelCode>> {
  const values = pdol === undefined ? ok(new Uint8Array(0)) : fillList(pdol, knowledge);
  if (!values.ok) return values;
  const answer = yield* transmit(command(0x80, 0xa8, 0x00, 0x00, tlv(0x83, values.value), 256));
  return ok({ answer, pdolData: values.value });
}

/**
 * Reads every record that the locator (94) names. EMV 4.3 Book 3, 10.2.
 *
 * @returns the records under offline data authentication, in the locator's order. They hold account data: wipe them.
 */
export function* readRecords(card: CardObjects): Dialogue<Result<readonly AuthenticatedRecord[], KernelCode>> {
  const locator = card.get(0x94);
  if (locator === undefined) return fail('EMV_DATA_MISSING', { field: '94' });
  const entries = parseAfl(locator);
  if (!entries.ok) return entries;
  const authenticated: AuthenticatedRecord[] = [];
  let records = 0;
  for (const { sfi, first, last, authenticated: signed } of entries.value) {
    for (let record = first; record <= last; record++) {
      if (++records > recordsMax) return fail('EMV_AFL_INVALID', { field: '94', facts: { recordsMax } });
      const answer = yield* transmit(command(0x00, 0xb2, record, (sfi << 3) | 4, undefined, 256));
      if (answer.sw === 0x9000 && record < first + signed)
        authenticated.push({ sfi, bytes: Uint8Array.from(answer.data) });
      // Files above 10 belong to the issuer, and need not hold data objects. 7.1.
      const template = templateOf(answer, 0x70);
      if (!template.ok) {
        if (sfi > 10 && answer.sw === 0x9000) continue;
        return template;
      }
      const taken = card.take(template.value.children);
      if (!taken.ok) return taken;
    }
  }
  return ok(authenticated);
}

/** Data that a card must have. EMV 4.3 Book 3, 7.2: without one of them the transaction ends. */
export function missingOf(card: CardObjects, tags: readonly number[]): Result<void, 'EMV_DATA_MISSING'> {
  const tag = tags.find((one) => !card.has(one));
  return tag === undefined ? ok(undefined) : fail('EMV_DATA_MISSING', { field: tagName(tag) });
}

/** Dates that the kernel reads: BCD, a month and a day of the calendar. */
const dates = [0x5f24, 0x5f25] as const;
const lists = [0x8c, 0x8d, 0x97, 0x9f49] as const;
/** Objects that the kernel counts on to have their length, besides those of DE55. */
const counted = [0x9f07, 0x9f08, 0x9f0d, 0x9f0e, 0x9f0f, 0x9f14, 0x9f23, 0x9f42, 0x5f28, 0x5f34] as const;

/** Whether what a card told has the form that it must have; a wrong form ends the transaction. EMV 4.3 Book 3, 7.5. */
export function checkForms(card: CardObjects): Result<void, KernelCode> {
  const wrong = (tag: number) => fail('EMV_VALUE_INVALID', { field: tagName(tag) });
  for (const tag of dates) {
    const date = card.get(tag);
    if (date !== undefined && !/^\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$/.test(Buffer.from(date).toString('hex')))
      return wrong(tag);
  }
  for (const tag of counted) {
    const value = card.get(tag);
    if (value !== undefined && !hasRightLength(tag, value.length)) return wrong(tag);
  }
  for (const tag of lists) {
    const list = card.get(tag);
    const read = list === undefined ? ok([]) : parseDol(list);
    if (!read.ok) return read;
  }
  // A list of two amounts and no rule is as good as none; anything else that is no list is an error. 7.5.
  const methods = card.get(0x8e);
  if (methods !== undefined && methods.length !== 8) {
    const read = parseCvmList(methods);
    if (!read.ok) return read;
  }
  return ok(undefined);
}
