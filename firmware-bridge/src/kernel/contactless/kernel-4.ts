import { hex } from '@tsunagu/protocols/kit';
import type { Dialogue } from '../dialogue.ts';
import { oneCryptogram } from './one-cryptogram.ts';
import type { Preprocessed } from './preprocessing.ts';
import type { KernelEnd, Tap } from './tap.ts';

/**
 * Kernel 4 (American Express) in EMV mode, partial online: SDA, DDA and CDA as the card offers, one GENERATE AC, the issuer's answer ends it.
 *
 * Left out: magnetic-stripe mode, full online mode (a second GENERATE AC while the card stays), delayed authorisation, dynamic limits,
 * the phone's own verification of Expresspay mobile.
 * @see EMV Book C-4, as far as it is public
 */
export const kernel4 = (tap: Tap): Dialogue<KernelEnd> =>
  oneCryptogram(tap, { hasStaticAndDynamic: true, knowsOnDevice: true, walksListBelowLimit: false });

/** Contactless reader capabilities (9F6D: EMV mode, with or without a verification) and their longer form (9F6E: contacts, attended, online). */
export const kernel4Objects = ({ isCvmRequired }: Preprocessed): Map<number, Uint8Array> =>
  new Map([
    [0x9f6d, Uint8Array.of(isCvmRequired ? 0xc8 : 0xc0)],
    [0x9f6e, hex('D8C00000')],
  ]);
