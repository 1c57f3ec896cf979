import type { SecretKind } from '../kit/index.ts';
import { type CharacterSet, characterSets, typeBits, withEightBits } from './charset.ts';
import { type DataElement, dataElements, type ElementShape } from './data-elements.ts';
import type { Dialect } from './dialect.ts';
import type { Leniency } from './leniency.ts';

/** How the value of an element is written on the wire. Small integers, so that the codec's loops switch on them. */
export const wireForm = { text: 0, bcd: 1, raw: 2, hex: 3, signedText: 4, signedBcd: 5 } as const;

/** An element as a link has it: its row of the table with the link's overrides. */
export interface LinkElement extends DataElement {
  /** Digits of the length indicator; 0 for fixed. */
  readonly indicatorDigits: number;
  readonly wireForm: (typeof wireForm)[keyof typeof wireForm];
}

/**
 * A profile compiled once: dialect and elements as flat tables that the codec walks.
 * Arrays are indexed by element number, 0 and 1 unused.
 */
export interface Layout {
  readonly dialect: Dialect;
  readonly set: CharacterSet;
  readonly allow: ReadonlySet<Leniency>;
  readonly elements: readonly (LinkElement | undefined)[];
  readonly forms: Uint8Array;
  readonly indicators: Uint8Array;
  readonly maxLengths: Uint16Array;
  readonly masks: Uint8Array;
  /** Form, indicator, mask and maximal length of an element in one number: one look for the decoder. See `planForm`. */
  readonly plans: Int32Array;
  /** 1 where the value is a `Secret`. */
  readonly secrets: Uint8Array;
  readonly oddDigitsLeft: boolean;
  readonly indicatorsPacked: boolean;
  readonly bitmapHex: boolean;
  readonly mtiPacked: boolean;
}

/** How an element stands on the wire: a number of `wireForm`. */
export const planForm = (plan: number): number => plan & 7;
/** Digits of the length indicator; 0 for a fixed length. */
export const planIndicator = (plan: number): number => (plan >> 3) & 7;
/** Which characters are allowed: a mask of `charset.ts`. */
export const planMask = (plan: number): number => (plan >> 6) & 255;
/** The most that the value may be long, in characters or bytes. */
export const planMax = (plan: number): number => (plan >> 14) & 0x3fff;
/** Text or packed digits that are no secret. */
export const isOpenText = (plan: number): boolean => (plan & (secretBit | 7)) <= wireForm.bcd;

const secretBit = 1 << 28;

const indicatorDigits = { fixed: 0, LLVAR: 2, LLLVAR: 3, LLLLVAR: 4 } as const;

function formOf({ type, kind }: ElementShape, dialect: Dialect): LinkElement['wireForm'] {
  const isPacked = dialect.numbers === 'bcd';
  if (type === 'b')
    return (kind === 'fixed' ? dialect.fixedBinary : dialect.variableBinary) === 'hex' ? wireForm.hex : wireForm.raw;
  if (type === 'xn') return isPacked ? wireForm.signedBcd : wireForm.signedText;
  return type === 'n' && isPacked ? wireForm.bcd : wireForm.text;
}

/** Lays out a dialect with named overrides; both have been checked before. */
export function layOut(
  dialect: Dialect,
  overrides: ReadonlyMap<number, ElementShape>,
  secretElements: ReadonlyMap<number, SecretKind>,
  allow: ReadonlySet<Leniency>,
): Layout {
  const set = characterSets[dialect.characters];
  const forms = new Uint8Array(129);
  const indicators = new Uint8Array(129);
  const maxLengths = new Uint16Array(129);
  const masks = new Uint8Array(129);
  const plans = new Int32Array(129);
  const secrets = new Uint8Array(129);
  const elements: (LinkElement | undefined)[] = [undefined];
  for (const row of dataElements) {
    const secret = secretElements.get(row.number);
    const element = { ...row, ...overrides.get(row.number), ...(secret && { secret }) };
    const form = formOf(element, dialect);
    elements[row.number] = { ...element, indicatorDigits: indicatorDigits[element.kind], wireForm: form };
    forms[row.number] = form;
    indicators[row.number] = indicatorDigits[element.kind];
    maxLengths[row.number] = element.maxLength;
    masks[row.number] = typeBits[element.type];
    plans[row.number] =
      form |
      (indicatorDigits[element.kind] << 3) |
      (typeBits[element.type] << 6) |
      (element.maxLength << 14) |
      (element.secret === undefined ? 0 : secretBit);
    secrets[row.number] = element.secret === undefined ? 0 : 1;
  }
  return {
    dialect,
    set: allow.has('ans-8bit') ? withEightBits(set) : set,
    allow,
    elements,
    forms,
    indicators,
    maxLengths,
    masks,
    plans,
    secrets,
    oddDigitsLeft: dialect.oddDigits === 'left',
    indicatorsPacked: dialect.lengthIndicators === 'bcd',
    bitmapHex: dialect.bitmap === 'hex',
    mtiPacked: dialect.numbers === 'bcd',
  };
}

/** Bytes that `count` units of an element take on the wire, without the length indicator. */
export function wireLength(form: number, count: number): number {
  switch (form) {
    case wireForm.bcd:
      return (count + 1) >> 1;
    case wireForm.hex:
      return count * 2;
    case wireForm.signedBcd:
      return count === 0 ? 0 : 1 + (count >> 1);
    default:
      return count;
  }
}

/** Bytes of the length indicator of an element. */
export function indicatorLength(layout: Layout, number: number): number {
  const digits = layout.indicators[number] ?? 0;
  return layout.indicatorsPacked ? (digits + 1) >> 1 : digits;
}
