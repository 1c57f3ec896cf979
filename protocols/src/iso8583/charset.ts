import type { ElementType } from './data-elements.ts';

/** One bit per element type: a character belongs to a type when the bit stands in `characterTypes`. */
export const typeBits = {
  n: 1,
  a: 2,
  an: 4,
  anp: 8,
  ans: 16,
  ns: 32,
  z: 64,
  xn: 1,
  b: 0,
} as const satisfies Record<ElementType, number>;

/** Bit of a byte that passes in ans only because the profile allows `ans-8bit`. */
export const lenientBit = 128;

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isLetter = (code: number): boolean => (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);

function typesOf(code: number): number {
  if (code < 0x20 || code > 0x7e) return 0;
  let bits: number = typeBits.ans;
  if (!isLetter(code)) bits |= typeBits.ns;
  if (isDigit(code)) bits |= typeBits.n | typeBits.an | typeBits.anp | typeBits.z;
  if (isLetter(code)) bits |= typeBits.a | typeBits.an | typeBits.anp;
  if (code === 0x20) bits |= typeBits.anp;
  if (code === 0x3d || code === 0x44) bits |= typeBits.z;
  return bits;
}

/** The types that each Latin-1 character belongs to. ISO 8583:1993, 4.2. */
export const characterTypes: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => typesOf(code));

/**
 * IBM code page 1047 (EBCDIC Latin-1, open systems): the byte of each character from 20 to 7E.
 * Code pages 037 and 500 differ from it in brackets, exclamation mark, circumflex and a few more.
 */
const ibm1047 =
  '405A7F7B5B6C507D4D5D5C4E6B604B61' +
  'F0F1F2F3F4F5F6F7F8F97A5E4C7E6E6F' +
  '7CC1C2C3C4C5C6C7C8C9D1D2D3D4D5D6' +
  'D7D8D9E2E3E4E5E6E7E8E9ADE0BD5F6D' +
  '79818283848586878889919293949596' +
  '979899A2A3A4A5A6A7A8A9C04FD0A1';

/** How the characters of a link are written: character → byte, byte → character, and the types of each byte and character. */
export interface CharacterSet {
  readonly toByte: Uint8Array;
  readonly toCharacter: Uint8Array;
  /** By byte on the wire. */
  readonly byteTypes: Uint8Array;
  /** By character code 0-255. */
  readonly characterTypes: Uint8Array;
  /** By byte on the wire: the digit, or 255. */
  readonly digits: Uint8Array;
  /** By byte on the wire: the value of a hexadecimal digit of either case, or 255. */
  readonly hexDigits: Uint8Array;
  readonly isAscii: boolean;
}

function characterSet(toByte: Uint8Array, isAscii: boolean): CharacterSet {
  const toCharacter = new Uint8Array(256);
  const byteTypes = new Uint8Array(256);
  const digits = new Uint8Array(256).fill(255);
  const hexDigits = new Uint8Array(256).fill(255);
  for (let code = 0; code < 256; code++) {
    const byte = toByte[code] ?? 0;
    if (byte === 0 && code !== 0) continue;
    toCharacter[byte] = code;
    byteTypes[byte] = characterTypes[code] ?? 0;
    if (isDigit(code)) digits[byte] = code - 0x30;
    const hexDigit = '0123456789ABCDEF'.indexOf(String.fromCharCode(code).toUpperCase());
    if (hexDigit >= 0) hexDigits[byte] = hexDigit;
  }
  return { toByte, toCharacter, byteTypes, characterTypes, digits, hexDigits, isAscii };
}

const ascii = characterSet(
  Uint8Array.from({ length: 256 }, (_, code) => code),
  true,
);

const ebcdic1047 = characterSet(
  Uint8Array.from({ length: 256 }, (_, code) =>
    code < 0x20 || code > 0x7e ? 0 : Number.parseInt(ibm1047.slice((code - 0x20) * 2, (code - 0x20) * 2 + 2), 16),
  ),
  false,
);

/** The character sets a dialect may name. */
export const characterSets = { ascii, 'ebcdic-1047': ebcdic1047 } as const satisfies Record<string, CharacterSet>;

/** The name of a character set. */
export type CharacterSetName = keyof typeof characterSets;

/** The same set, in which bytes 80 to FF pass in ans elements as the Latin-1 characters of those codes. */
export function withEightBits(set: CharacterSet): CharacterSet {
  if (!set.isAscii) return set;
  const wide = set.byteTypes.map((bits, byte) => (byte >= 0x80 ? typeBits.ans | lenientBit : bits));
  return { ...set, byteTypes: wide, characterTypes: wide };
}
