import type { Dialogue } from '../dialogue.ts';
import { fastPath } from './fast-path.ts';
import { transactionQualifiers } from './kernel-3.ts';
import type { KernelEnd, Tap } from './tap.ts';

/**
 * Kernel 7 (UnionPay): qPBOC, of the same shape as kernel 3 with the same qualifiers.
 *
 * Left out: electronic cash (offline balance), magnetic-stripe mode, extended applications, PBOC's SM2 to SM4 algorithms.
 * @see EMV Book C-7; JR/T 0025 (PBOC 3.0), part 12
 */
export const kernel7 = (tap: Tap): Dialogue<KernelEnd> =>
  fastPath(tap, { wishes: transactionQualifiers, hasFastSignature: true });
