import { hasBit } from '@tsunagu/protocols/emv';
import type { Dialogue } from '../dialogue.ts';
import { fastPath } from './fast-path.ts';
import type { KernelEnd, Tap } from './tap.ts';

/**
 * Kernel 6 (Discover, Diners Club): D-PAS, the least of it. The cryptogram comes with GET PROCESSING OPTIONS and goes online; what the card
 * asks of the reader stands in its processing requirements (9F71, first byte: bit 8 PIN, bit 7 signature).
 *
 * Left out: offline approval (a TC is declined, since nothing proves it here), CDA, verification on the device, legacy ZIP mode, issuer updates.
 * @see EMV Book C-6, as far as it is public
 */
export const kernel6 = (tap: Tap): Dialogue<KernelEnd> =>
  fastPath(tap, { wishes: processingRequirements, hasFastSignature: false });

function processingRequirements({ card }: Tap) {
  const requirements = card.get(0x9f71);
  const has = (bit: number): boolean => requirements !== undefined && hasBit(requirements, 1, bit);
  return {
    has: requirements !== undefined,
    wantsOnlinePin: has(8),
    wantsSignature: has(7),
    isVerifiedOnDevice: false,
    goesOnlineIfUnauthentic: false,
    changesInterfaceIfUnauthentic: false,
    goesOnlineIfExpired: false,
  };
}
