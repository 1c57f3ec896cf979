import { isDegenerate } from '../kcv/index.ts';
import { concat, fail, ok, type Result, type Secret } from '../kit/index.ts';
import type { KeyAttributes, OptionalBlock } from './header.ts';
import {
  algorithms,
  exportabilities,
  type KeyAlgorithm,
  type KeyUsage,
  keyUsages,
  type ModeOfUse,
  modesOfUse,
  versions,
} from './tables.ts';

const isKeyUsage = (text: string): text is KeyUsage => Object.hasOwn(keyUsages, text);
const isAlgorithm = (text: string): text is KeyAlgorithm => Object.hasOwn(algorithms, text);
const isModeOfUse = (text: string): text is ModeOfUse => Object.hasOwn(modesOfUse, text);

/**
 * Checks what X9.143 says about the header as a whole. The field at fault is named.
 * Order of faults: usage, algorithm, mode, exportability, key length, optional blocks.
 *
 * @see ANSI X9.143:2022, 6.3.2 to 6.3.9
 */
export function checkAttributes(
  attributes: KeyAttributes,
  optionalBlocks: readonly OptionalBlock[],
  keyLengthBytes: number,
): Result<true, 'TR31_HEADER_NOT_ALLOWED'> {
  const { keyUsage, algorithm, modeOfUse, exportability, versionId } = attributes;
  const refuse = (field: string): Result<never, 'TR31_HEADER_NOT_ALLOWED'> =>
    fail('TR31_HEADER_NOT_ALLOWED', { field });
  // Usages of two digits are a vendor's own (6.3.2), and only the vendor knows what goes with them.
  const isVendors = /^\d\d$/.test(keyUsage);
  if (!isVendors && !isKeyUsage(keyUsage)) return refuse('keyUsage');
  if (!isAlgorithm(algorithm)) return refuse('algorithm');
  if (!isModeOfUse(modeOfUse)) return refuse('modeOfUse');
  if (isKeyUsage(keyUsage)) {
    if (!keyUsages[keyUsage].algorithms.includes(algorithm)) return refuse('algorithm');
    if (modeOfUse !== 'N' && !keyUsages[keyUsage].modes.includes(modeOfUse)) return refuse('modeOfUse');
  }
  if (!Object.hasOwn(exportabilities, exportability)) return refuse('exportability');
  const lengths: readonly number[] = algorithms[algorithm].lengthsBytes;
  if (lengths.length > 0 && !lengths.includes(keyLengthBytes)) return refuse('key');
  const ids = optionalBlocks.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) return refuse('optionalBlocks');
  if (ids.includes('PB') && ids.at(-1) !== 'PB') return refuse('PB');
  const size = versions[versionId].blockBytes;
  const pb = optionalBlocks.at(-1);
  if (pb?.id === 'PB' && pb.data.length >= size) return refuse('PB');
  return ok(true);
}

/** Effective strength in bits: what "at least as strong as" compares. NIST SP 800-57 part 1, table 2. */
function strengthBits(algorithm: string, lengthBytes: number): number {
  if (algorithm === 'T') return lengthBytes >= 24 ? 112 : 80;
  return Math.min(256, lengthBytes * 8);
}

/** Effective strength of a TDES key by its parts, in bits: equal ones do not count twice. NIST SP 800-67 Rev. 2, 3.3.1. */
function tdesStrengthBits(key: Secret<'key'>): number {
  return key.use((bytes) => {
    if (isDegenerate(bytes)) return 56;
    const isTwoKey = bytes.length === 24 && isDegenerate(concat(bytes.subarray(0, 8), bytes.subarray(16)));
    return strengthBits('T', isTwoKey ? 16 : bytes.length);
  });
}

/**
 * Whether a TDES KBPK as it is, not as long as it is, is at least as strong as a key; true for any other KBPK.
 *
 * @see ANSI X9.143:2022, 5.2
 */
export function isTdesKbpkSound(
  { versionId, algorithm }: KeyAttributes,
  kbpk: Secret<'key'>,
  keyLengthBytes: number,
): boolean {
  if (versions[versionId].cipher === 'AES' || !'TAH'.includes(algorithm)) return true;
  return tdesStrengthBits(kbpk) >= strengthBits(algorithm, keyLengthBytes);
}

/**
 * Whether a KBPK is at least as strong as a key. Asymmetric keys are measured by the KBPK policy of their owner, not here.
 *
 * @see ANSI X9.143:2022, 5.2; PCI PIN 3.1, 24
 */
export function isKbpkStrongEnough(
  { versionId, algorithm }: KeyAttributes,
  kbpkBytes: number,
  keyLengthBytes: number,
): boolean {
  if (!'TAH'.includes(algorithm)) return true;
  const kbpk = strengthBits(versions[versionId].cipher === 'AES' ? 'A' : 'T', kbpkBytes);
  return kbpk >= strengthBits(algorithm, keyLengthBytes);
}
