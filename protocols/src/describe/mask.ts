import { isTransitNumber } from '../felica/index.ts';
import { toHex } from '../kit/index.ts';
import type { Shown } from './line.ts';

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** The digits of EBCDIC text; a dot for every other byte. */
const ebcdicDigits = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => (byte >= 0xf0 && byte <= 0xf9 ? String(byte - 0xf0) : '.')).join('');

/** Whether all bytes are printable ASCII, so that they read best as text. */
export const isPrintable = (bytes: Uint8Array): boolean =>
  bytes.length > 0 && bytes.every((byte) => byte >= 0x20 && byte <= 0x7e);

/** A card number with its last four digits alone (PCI DSS 4.0.1, 3.4.1). */
export const maskedPan = (digits: string): Shown => ({
  text: `${'*'.repeat(Math.max(0, digits.length - 4))}${digits.slice(-4)}`,
  masked: true,
});

/** Something hidden but for its length. */
export const hidden = (count: number, unit: 'bytes' | 'characters' = 'bytes'): Shown => ({
  text: `[${count} ${unit}]`,
  masked: true,
});

/** Text whose content nobody vouches for: hidden where it may hold a card number. */
export const guardedText = (text: string, reveal: boolean): Shown =>
  reveal || !mayHoldCardNumber(text) ? { text } : hidden(text.length, 'characters');

/** Bytes whose content nobody vouches for, as text where they are text; hidden where they may hold a card number. */
export function guardedBytes(bytes: Uint8Array, reveal: boolean, isText = isPrintable(bytes)): Shown {
  const readings = [toHex, latin1, ebcdicDigits];
  if (!reveal && readings.some((read) => mayHoldCardNumber(read(bytes)))) return hidden(bytes.length);
  return { text: isText ? `${toHex(bytes)} "${latin1(bytes)}"` : toHex(bytes) };
}

/**
 * Whether some 13 to 19 digits in a row begin as card numbers do (ISO/IEC 7812-1, 4.2: travel, banking, later growth) and
 * end in a right check digit (annex B), separators aside; or whether they are the number of a transit card.
 */
export function mayHoldCardNumber(text: string): boolean {
  for (const [run] of text.matchAll(/\d(?:[ -]?\d){12,}/g)) {
    const digits = run.replaceAll(/[ -]/g, '');
    for (let start = 0; start + 13 <= digits.length; start++)
      for (let length = 13; length <= 19 && start + length <= digits.length; length++)
        if (hasIssuerDigit(digits.charCodeAt(start)) && endsRight(digits, start, length)) return true;
  }
  return false;
}

/** 2 to 6, 8 and 9: no payment card begins with 0, 1 or 7. */
const hasIssuerDigit = (code: number): boolean => (code >= 0x32 && code <= 0x36) || code === 0x38 || code === 0x39;

const endsRight = (digits: string, start: number, length: number): boolean =>
  hasCheckDigit(digits, start, length) || isTransitNumber(digits.slice(start, start + length));

function hasCheckDigit(digits: string, start: number, length: number): boolean {
  let sum = 0;
  for (let index = 0; index < length; index++) {
    const digit = digits.charCodeAt(start + length - 1 - index) - 0x30;
    const weighted = index % 2 === 0 ? digit : digit * 2;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum % 10 === 0;
}
