import { type FieldValue, type Message, type NetRule } from '../iso8583/index.ts';
import { fail, ok, type Result } from '../kit/index.ts';

/** What a business day of a link came to, as DE74 to DE97 say it. Credits move money to the cardholder, debits from it. */
export interface ReconciliationTotals {
  readonly credits: number;
  readonly creditsMinor: number;
  readonly creditReversals: number;
  readonly creditReversalsMinor: number;
  readonly debits: number;
  readonly debitsMinor: number;
  readonly debitReversals: number;
  readonly debitReversalsMinor: number;
}

/** Nothing at all. */
export const noTotals: ReconciliationTotals = {
  credits: 0,
  creditsMinor: 0,
  creditReversals: 0,
  creditReversalsMinor: 0,
  debits: 0,
  debitsMinor: 0,
  debitReversals: 0,
  debitReversalsMinor: 0,
};

const names = Object.keys(noTotals) as (keyof ReconciliationTotals)[];

/** The first figure in which two sides differ; undefined when they agree. */
export const firstUnequal = (
  ours: ReconciliationTotals,
  theirs: ReconciliationTotals,
): keyof ReconciliationTotals | undefined => names.find((name) => ours[name] !== theirs[name]);

/** What the cardholders got less what they gave: below zero where debits prevail. */
export const netOf = (totals: ReconciliationTotals): number =>
  totals.creditsMinor - totals.creditReversalsMinor - (totals.debitsMinor - totals.debitReversalsMinor);

/**
 * Where each figure stands. Sources disagree: by one rule 75 and 87 are reversals of credits, by the other they are cancelled debits, so that all
 * credits stand on one side of the net. ISO 8583:1993, 4.4.74 to 4.4.97.
 */
const places = (rule: NetRule): Readonly<Record<number, keyof ReconciliationTotals>> => ({
  74: 'credits',
  75: rule === 'own-side' ? 'creditReversals' : 'debitReversals',
  76: 'debits',
  77: rule === 'own-side' ? 'debitReversals' : 'creditReversals',
  86: 'creditsMinor',
  87: rule === 'own-side' ? 'creditReversalsMinor' : 'debitReversalsMinor',
  88: 'debitsMinor',
  89: rule === 'own-side' ? 'debitReversalsMinor' : 'creditReversalsMinor',
});

/** DE50, DE74 to 77, 86 to 89 and 97 of totals. */
export function totalsElements(
  totals: ReconciliationTotals,
  rule: NetRule,
  currency: string,
): { [element: number]: string } {
  const fields: { [element: number]: string } = { 50: currency };
  for (const [element, name] of Object.entries(places(rule)))
    fields[Number(element)] = String(totals[name]).padStart(Number(element) < 80 ? 10 : 16, '0');
  const net = netOf(totals);
  fields[97] = `${net < 0 ? 'D' : 'C'}${String(Math.abs(net)).padStart(16, '0')}`;
  return fields;
}

/** The totals of a 1520 or a 1530. ACQUIRING_MESSAGE_REFUSED names the element that is absent, too large, or does not follow from the others. */
export function readTotals(message: Message, rule: NetRule): Result<ReconciliationTotals, 'ACQUIRING_MESSAGE_REFUSED'> {
  const read: { -readonly [Name in keyof ReconciliationTotals]: number } = { ...noTotals };
  for (const [element, name] of Object.entries(places(rule))) {
    const value = Number(textOf(message.fields[Number(element)]) ?? Number.NaN);
    if (!Number.isSafeInteger(value))
      return fail('ACQUIRING_MESSAGE_REFUSED', { field: Number(element), facts: { expected: 'a total' } });
    read[name] = value;
  }
  const net = textOf(message.fields[97]);
  const said = net === undefined ? undefined : Number(net.slice(1)) * (net.startsWith('D') ? -1 : 1);
  return said !== undefined && said === netOf(read)
    ? ok(read)
    : fail('ACQUIRING_MESSAGE_REFUSED', { field: 97, facts: { expected: 'the net of the others' } });
}

const textOf = (value: FieldValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

/** One transaction of a business day, as both sides know it. */
export interface ReconciliationItem {
  /** DE11 and DE12 of its request on this link. */
  readonly stan: string;
  readonly localTime: string;
  readonly kind: 'debit' | 'credit' | 'debit-reversal' | 'credit-reversal';
  readonly amountMinor: number;
}

const kindLetters = { debit: 'D', credit: 'C', 'debit-reversal': 'd', 'credit-reversal': 'c' } as const;
const itemLength = 31;

/** How many items one message holds: DE72 has room for 999 characters. */
export const itemsPerPage = 32;

/** Items of a page as DE72 holds them: STAN, local time, letter (D debit, C credit, small for its reversal), amount n12. */
export const writeItems = (items: readonly ReconciliationItem[]): string =>
  items
    .map(
      ({ stan, localTime, kind, amountMinor }) =>
        `${stan}${localTime}${kindLetters[kind]}${String(amountMinor).padStart(12, '0')}`,
    )
    .join('');

/** Reads DE72 of a page. ACQUIRING_MESSAGE_REFUSED when it is none. */
export function readItems(text: string): Result<readonly ReconciliationItem[], 'ACQUIRING_MESSAGE_REFUSED'> {
  const items: ReconciliationItem[] = [];
  for (let at = 0; at < text.length; at += itemLength) {
    const match = /^(\d{6})(\d{12})([DCdc])(\d{12})$/.exec(text.slice(at, at + itemLength));
    const kind = match && kinds.find((each) => kindLetters[each] === match[3]);
    if (!match || !kind) return fail('ACQUIRING_MESSAGE_REFUSED', { field: 72, facts: { expected: 'items' } });
    items.push({ stan: match[1] ?? '', localTime: match[2] ?? '', kind, amountMinor: Number(match[4]) });
  }
  return ok(items);
}

const kinds: readonly ReconciliationItem['kind'][] = ['debit', 'credit', 'debit-reversal', 'credit-reversal'];

/** The totals of items. */
export function totalsOf(items: readonly ReconciliationItem[]): ReconciliationTotals {
  const totals: { -readonly [Name in keyof ReconciliationTotals]: number } = { ...noTotals };
  const counted = {
    debit: ['debits', 'debitsMinor'],
    credit: ['credits', 'creditsMinor'],
    'debit-reversal': ['debitReversals', 'debitReversalsMinor'],
    'credit-reversal': ['creditReversals', 'creditReversalsMinor'],
  } as const;
  for (const { kind, amountMinor } of items) {
    const [count, sum] = counted[kind];
    totals[count] += 1;
    totals[sum] += amountMinor;
  }
  return totals;
}

/** An item that one side has and the other has not, or has with another amount. */
export interface ReconciliationDifference {
  readonly stan: string;
  readonly localTime: string;
  readonly kind: ReconciliationItem['kind'];
  readonly oursMinor: number | null;
  readonly theirsMinor: number | null;
}

/** Compares two lists item by item, ordered by local time and STAN. */
export function differencesOf(
  ours: readonly ReconciliationItem[],
  theirs: readonly ReconciliationItem[],
): readonly ReconciliationDifference[] {
  const keyOf = ({ stan, localTime, kind }: ReconciliationItem): string => `${localTime}${stan}${kind}`;
  const there = new Map(theirs.map((item) => [keyOf(item), item]));
  const found: ReconciliationDifference[] = [];
  const differ = (item: ReconciliationItem, oursMinor: number | null, theirsMinor: number | null): number =>
    found.push({ stan: item.stan, localTime: item.localTime, kind: item.kind, oursMinor, theirsMinor });
  for (const item of ours) {
    const other = there.get(keyOf(item));
    there.delete(keyOf(item));
    if (other?.amountMinor !== item.amountMinor) differ(item, item.amountMinor, other?.amountMinor ?? null);
  }
  for (const item of there.values()) differ(item, null, item.amountMinor);
  return found.sort((a, b) => (a.localTime + a.stan < b.localTime + b.stan ? -1 : 1));
}
