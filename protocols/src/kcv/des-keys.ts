import { hex, type Secret, toHex } from '../kit/index.ts';

/** A copy with odd parity in every byte, as DES keys have. FIPS 46-3. The check value does not change. */
export function withOddParity(key: Uint8Array): Uint8Array {
  return key.map((byte) => {
    let ones = byte & 0xfe;
    ones ^= ones >> 4;
    ones ^= ones >> 2;
    ones ^= ones >> 1;
    return (byte & 0xfe) | (~ones & 1);
  });
}

/** Whether every byte has odd parity. */
export const hasOddParity = (key: Secret<'key'>): boolean =>
  key.use((bytes) => withOddParity(bytes).every((byte, index) => byte === bytes[index]));

/**
 * Whether a TDES key has only the strength of single DES: its first two or its last two parts are equal, so that a
 * decipherment undoes an encipherment. Parity bits do not count. SP 800-67 Rev. 2, 3.3.1.
 */
export function isDegenerate(key: Uint8Array): boolean {
  const parts = [0, 8, 16].map((start) => toHex(withOddParity(key.subarray(start, start + 8))));
  const [first = '', second = '', third = ''] = parts;
  return first === second || (third !== '' && second === third);
}

/** What an 8-byte DES key is worth. */
export type DesKeyKind = 'weak' | 'semi-weak' | 'none';

/** Enciphering twice with one of these gives the clear text back. SP 800-67, 3.3.2. */
const weakKeys = ['0101010101010101', 'FEFEFEFEFEFEFEFE', 'E0E0E0E0F1F1F1F1', '1F1F1F1F0E0E0E0E'];

/** Each undoes the other of its pair. SP 800-67, 3.3.2. */
const semiWeakPairs = [
  ['011F011F010E010E', '1F011F010E010E01'],
  ['01E001E001F101F1', 'E001E001F101F101'],
  ['01FE01FE01FE01FE', 'FE01FE01FE01FE01'],
  ['1FE01FE00EF10EF1', 'E01FE01FF10EF10E'],
  ['1FFE1FFE0EFE0EFE', 'FE1FFE1FFE0EFE0E'],
  ['E0FEE0FEF1FEF1FE', 'FEE0FEE0FEF1FEF1'],
];

const kinds: ReadonlyMap<string, DesKeyKind> = new Map([
  ...weakKeys.map((key) => [toHex(hex(key)), 'weak'] as const),
  ...semiWeakPairs.flat().map((key) => [toHex(hex(key)), 'semi-weak'] as const),
]);

/** Looks an 8-byte DES key up among the weak and semi-weak ones. Parity bits do not count. */
export const desKeyKind = (key: Uint8Array): DesKeyKind => kinds.get(toHex(withOddParity(key))) ?? 'none';

/** Why a TDES key should not be loaded, or `undefined`. */
export function weaknessOf(key: Secret<'key'>): 'degenerate' | 'weak' | 'semi-weak' | undefined {
  return key.use((bytes) => {
    if (bytes.length > 8 && isDegenerate(bytes)) return 'degenerate';
    const starts = [0, 8, 16].filter((start) => start < bytes.length);
    const found = starts.map((start) => desKeyKind(bytes.subarray(start, start + 8)));
    if (found.includes('weak')) return 'weak';
    return found.includes('semi-weak') ? 'semi-weak' : undefined;
  });
}
