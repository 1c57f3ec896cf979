import type { DukptScheme } from './transaction-key.ts';

/** How the initial keys of one base key are numbered: `most` of them, each `step` after the one before, in `digits` hex digits after `prefix`. */
export interface InitialKeyIds {
  readonly prefix: string;
  readonly step: number;
  readonly most: number;
  readonly digits: number;
}

/**
 * The ids that a base key has for initial keys. AES: its BDK id, the first 4 bytes of its check value, and 32 bits for the device (X9.24-3:2017, 6.3).
 * TDES: a key set id of 5 bytes, FFFF and its check value, and 19 bits for the device above the 21 of the counter (annex C.2).
 *
 * @param kcv check value of the base key, hex
 */
export const initialKeyIdsOf = (scheme: DukptScheme, kcv: string): InitialKeyIds =>
  scheme === 'aes'
    ? { prefix: kcv.slice(0, 8), step: 1, most: 0xffff_ffff, digits: 8 }
    : { prefix: `FFFF${kcv}`, step: 0x20_0000, most: 0x7_ffff, digits: 10 };

/** The id with this number, from 1 to `most`. */
export const initialKeyIdAt = ({ prefix, step, digits }: InitialKeyIds, number: number): string =>
  prefix + (number * step).toString(16).toUpperCase().padStart(digits, '0');

/** The number of an id of these; 0 for none. */
export const numberOfInitialKeyId = ({ prefix, step }: InitialKeyIds, id: string | null): number =>
  id === null ? 0 : Number.parseInt(id.slice(prefix.length), 16) / step;

/** How many a base key has made when another should take over: four fifths. */
export const runningOutAt = ({ most }: Pick<InitialKeyIds, 'most'>): number => Math.ceil(most * 0.8);
