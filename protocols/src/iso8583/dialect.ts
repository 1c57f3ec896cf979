import type { CharacterSetName } from './charset.ts';

/** How a link writes what the standard leaves open. Data: hybrids are made of it without code. */
export interface Dialect {
  /** Code of text, of length indicators and numbers in text form, and of hexadecimal text. */
  readonly characters: CharacterSetName;
  /** MTI and n elements: a character a digit, or two digits a byte. */
  readonly numbers: 'text' | 'bcd';
  /** Where an odd number of packed digits stands: left (a 0 nibble behind) or right (a 0 nibble in front). */
  readonly oddDigits: 'left' | 'right';
  /** LL and LLL: characters, or 1 and 2 bytes of packed digits (a 0 nibble in front of LLL). */
  readonly lengthIndicators: 'text' | 'bcd';
  readonly bitmap: 'binary' | 'hex';
  /** Binary elements of fixed length (52, 64, 65, 128). */
  readonly fixedBinary: 'raw' | 'hex';
  /** Binary elements of variable length (53, 55, 96); the indicator counts bytes either way. */
  readonly variableBinary: 'raw' | 'hex';
  /** The sign of DE97 beside packed digits: the character C or D, or a byte 0C or 0D. Text numbers have it as a character. */
  readonly sign: 'character' | 'nibble';
}

const text = {
  characters: 'ascii',
  numbers: 'text',
  oddDigits: 'right',
  lengthIndicators: 'text',
  bitmap: 'binary',
  fixedBinary: 'raw',
  variableBinary: 'raw',
  sign: 'character',
} as const satisfies Dialect;

const packed = { ...text, numbers: 'bcd', lengthIndicators: 'bcd' } as const satisfies Dialect;

/** The names of the shipped dialects. */
export const dialectNames = [
  'iso93-ascii-hexbm',
  'iso93-ascii-binbm',
  'iso93-bcdL-binbm',
  'iso93-bcdR-binbm',
  'iso93-ebcdic-binbm',
  'iso93-ebcdic-hexbm',
] as const;

/** The name of a shipped dialect. */
export type DialectName = (typeof dialectNames)[number];

/** The six dialects that are seen most. ISO 8583:1993 leaves the representation to the parties (clause 4.2). */
export const dialects: Readonly<Record<DialectName, Dialect>> = {
  'iso93-ascii-hexbm': { ...text, bitmap: 'hex', fixedBinary: 'hex' },
  'iso93-ascii-binbm': text,
  'iso93-bcdL-binbm': { ...packed, oddDigits: 'left' },
  'iso93-bcdR-binbm': packed,
  'iso93-ebcdic-binbm': { ...text, characters: 'ebcdic-1047' },
  'iso93-ebcdic-hexbm': { ...text, characters: 'ebcdic-1047', bitmap: 'hex' },
};

/** Whether a text names a shipped dialect. */
export const isDialectName = (name: string): name is DialectName => Object.hasOwn(dialects, name);
