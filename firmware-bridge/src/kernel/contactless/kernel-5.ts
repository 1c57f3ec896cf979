import type { Dialogue } from '../dialogue.ts';
import { oneCryptogram } from './one-cryptogram.ts';
import type { Preprocessed } from './preprocessing.ts';
import type { KernelEnd, Tap } from './tap.ts';

/**
 * Kernel 5 (JCB) in EMV mode: one GENERATE AC, signed (CDA) where card and reader can, or with static and dynamic data before it.
 *
 * Left out: magnetic-stripe and legacy modes, issuer updates (a second tap), transaction recovery, data storage, offline PINs of phones.
 * @see EMV Book C-5, as far as it is public
 */
export const kernel5 = (tap: Tap): Dialogue<KernelEnd> =>
  oneCryptogram(tap, { hasStaticAndDynamic: true, knowsOnDevice: true, walksListBelowLimit: false });

/** The static half of the terminal interchange profile (9F53): cardholder verification required, signature; EMV contacts. C-5, annex A. */
export const kernel5Objects = ({ isCvmRequired }: Preprocessed): Map<number, Uint8Array> =>
  new Map([[0x9f53, Uint8Array.of(isCvmRequired ? 0xf0 : 0x70, 0x80, 0x00)]]);
