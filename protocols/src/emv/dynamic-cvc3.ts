import { concat, type Secret } from '../kit/index.ts';
import { macAlgorithm3, tdesEncrypt } from './tdes.ts';

/**
 * The dynamic code of Mastercard's stripe mode (9F60, 9F61), 2 bytes: the card's static track fixes a start value, which is enciphered with
 * the reader's number and the card's counter. The terminal writes its digits into the track's discretionary data.
 *
 * There is no public standard; this is what published analyses of such cards describe.
 *
 * @param key the card's key for it, derived like its master key.
 * @param track static track data as the card holds them: 56 (track 1) or 9F6B (track 2).
 * @param unpredictableNumber 9F6A, 4 bytes, numeric.
 * @param atc 9F36.
 * @see EMV Book C-2 (COMPUTE CRYPTOGRAPHIC CHECKSUM)
 */
export function dynamicCvc3(
  key: Secret<'key'>,
  track: Uint8Array,
  unpredictableNumber: Uint8Array,
  atc: Uint8Array,
): Uint8Array {
  return key.use((bytes) => {
    const start = macAlgorithm3(bytes, track, 2).subarray(-2);
    return tdesEncrypt(bytes, concat(start, unpredictableNumber, atc)).slice(-2);
  });
}
