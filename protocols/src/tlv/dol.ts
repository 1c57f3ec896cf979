import { concat, fail, ok, type Result } from '../kit/index.ts';
import { isConstructed, tagName } from './decode.ts';
import { encodeTag } from './encode.ts';

/** One entry of a data object list: which object, in how many bytes. */
export interface DolEntry {
  readonly tag: number;
  /** Length in bytes that the card asks for. */
  readonly length: number;
  /** Offset of the object within the built list. */
  readonly at: number;
}

/** How an object is fitted into the length that a list asks for. EMV Book 3, 5.4. */
export type DolFit = 'numeric' | 'compressedNumeric' | 'other';

/** Entries of one list: a DOL longer than one APDU's data is a faulty card. */
const dolLengthMax = 252;

/**
 * Reads a data object list (PDOL, CDOL1, CDOL2, TDOL, DDOL): tags and one-byte lengths, no values.
 *
 * @returns its entries in order, with the offset of each in the data it describes.
 * @see EMV 4.3 Book 3, 5.4
 */
export function parseDol(dol: Uint8Array): Result<readonly DolEntry[], 'DOL_INVALID'> {
  if (dol.length > dolLengthMax) return fail('DOL_INVALID', { offset: dolLengthMax });
  const entries: DolEntry[] = [];
  let at = 0;
  let dataAt = 0;
  while (at < dol.length) {
    const start = at;
    let tag = dol[at++] ?? 0;
    if (tag === 0) return fail('DOL_INVALID', { offset: start });
    if ((tag & 0x1f) === 0x1f) {
      let next = 0x80;
      while ((next & 0x80) !== 0) {
        if (at >= dol.length || at - start > 3) return fail('DOL_INVALID', { offset: start });
        next = dol[at++] ?? 0;
        if (at - start === 2 && next === 0x80) return fail('DOL_INVALID', { offset: start });
        tag = tag * 256 + next;
      }
    }
    const length = dol[at];
    // One byte states at most 127: the long form has no place in a list.
    if (length === undefined || length > 0x7f) return fail('DOL_INVALID', { offset: at, field: tagName(tag) });
    at++;
    entries.push({ tag, length, at: dataAt });
    dataAt += length;
  }
  return ok(entries);
}

/** The bytes of a data object list. */
export const encodeDol = (entries: readonly { readonly tag: number; readonly length: number }[]): Uint8Array =>
  concat(...entries.map(({ tag, length }) => concat(encodeTag(tag), Uint8Array.of(length))));

/** How many bytes the built list has. */
export const dolDataLength = (entries: readonly DolEntry[]): number =>
  entries.reduce((sum, entry) => sum + entry.length, 0);

/**
 * Builds the values that a list asks for, in its order and lengths.
 *
 * Unknown objects and templates become zeros. A numeric object is cut and filled (00) on the left; compressed
 * numeric is cut and filled (FF) on the right; all others are cut and filled (00) on the right.
 *
 * @see EMV 4.3 Book 3, 5.4
 */
export function buildDol(
  entries: readonly DolEntry[],
  valueOf: (tag: number) => Uint8Array | undefined,
  fitOf: (tag: number) => DolFit,
): Uint8Array {
  const data = new Uint8Array(dolDataLength(entries));
  for (const { tag, length, at } of entries) {
    const value = isConstructed(tag) ? undefined : valueOf(tag);
    if (value === undefined) continue;
    const fit = fitOf(tag);
    if (value.length >= length) {
      data.set(fit === 'numeric' ? value.subarray(value.length - length) : value.subarray(0, length), at);
    } else {
      if (fit === 'compressedNumeric') data.fill(0xff, at, at + length);
      data.set(value, fit === 'numeric' ? at + length - value.length : at);
    }
  }
  return data;
}

/** The value of one object within built data, a view; undefined when the list lacks it or the data is too short. */
export function valueInDol(entries: readonly DolEntry[], data: Uint8Array, tag: number): Uint8Array | undefined {
  const entry = entries.find((candidate) => candidate.tag === tag);
  if (entry === undefined || entry.at + entry.length > data.length) return undefined;
  return data.subarray(entry.at, entry.at + entry.length);
}
