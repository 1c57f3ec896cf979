import { hasBit } from '@tsunagu/protocols/emv';
import type { Dialogue } from '../dialogue.ts';
import { isSame } from '../restrictions.ts';
import { fastPath } from './fast-path.ts';
import type { KernelEnd, Tap } from './tap.ts';

/**
 * Kernel 3 (Visa): qVSDC. The cryptogram comes with GET PROCESSING OPTIONS; fDDA proves a TC offline; CTQ and TTQ settle the verification.
 *
 * Left out: magnetic-stripe mode (MSD), issuer update processing (a second presentation with scripts), dynamic reader limits, zero-amount
 * checks, SDA of old qVSDC cards, the application's own offline balance (9F5D).
 * @see EMV Book C-3, 5
 */
export const kernel3 = (tap: Tap): Dialogue<KernelEnd> =>
  fastPath(tap, { wishes: transactionQualifiers, hasFastSignature: true });

/** Card transaction qualifiers (9F6C). EMV Book C-3, table A-1; kernel 7 has the same. */
export function transactionQualifiers({ card }: Tap) {
  const qualifiers = card.get(0x9f6c);
  const has = (byte: number, bit: number): boolean => qualifiers !== undefined && hasBit(qualifiers, byte, bit);
  return {
    has: qualifiers !== undefined,
    wantsOnlinePin: has(1, 8),
    wantsSignature: has(1, 7),
    isVerifiedOnDevice: has(2, 8) && areConfirmed(card.get(0x9f69), qualifiers, card.has(0x9f4b)),
    goesOnlineIfUnauthentic: has(1, 6),
    changesInterfaceIfUnauthentic: has(1, 5),
    goesOnlineIfExpired: has(1, 4),
  };
}

/**
 * What is said of a verification on the device must not be tampered with: where the card signs (9F4B), what it signed (bytes 6 and 7 of 9F69)
 * has to say the same; without a signature the cryptogram goes online and the issuer sees it. C-3, 5.7.1.
 */
const areConfirmed = (
  related: Uint8Array | undefined,
  qualifiers: Uint8Array | undefined,
  isSigned: boolean,
): boolean => !isSigned || isSame(related?.subarray(5, 7), qualifiers);
