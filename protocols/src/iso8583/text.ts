import { asBuffer } from '../kit/index.ts';

const { fromCharCode } = String;

/**
 * The text of up to some bytes whose characters `map` gives. One call of `fromCharCode` for eight characters beats
 * both a loop of single characters and the way into Buffer for the short values that messages are made of.
 */
export function mappedText(bytes: Uint8Array, at: number, count: number, map: Uint8Array, isAscii: boolean): string {
  if (isAscii && count > 24) return asBuffer(bytes).toString('latin1', at, at + count);
  const c = (index: number): number => map[bytes[at + index] ?? 0] ?? 0;
  switch (count) {
    case 0:
      return '';
    case 1:
      return fromCharCode(c(0));
    case 2:
      return fromCharCode(c(0), c(1));
    case 3:
      return fromCharCode(c(0), c(1), c(2));
    case 4:
      return fromCharCode(c(0), c(1), c(2), c(3));
    case 6:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5));
    case 8:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7));
    case 10:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7), c(8), c(9));
    case 11:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7), c(8), c(9), c(10));
    case 12:
      return fromCharCode(c(0), c(1), c(2), c(3), c(4), c(5), c(6), c(7), c(8), c(9), c(10), c(11));
  }
  let text = '';
  let index = 0;
  for (; index + 8 <= count; index += 8)
    text += fromCharCode(
      c(index),
      c(index + 1),
      c(index + 2),
      c(index + 3),
      c(index + 4),
      c(index + 5),
      c(index + 6),
      c(index + 7),
    );
  for (; index < count; index++) text += fromCharCode(c(index));
  return text;
}

/** The text of `count` packed digits; `skip` is 1 when the first nibble is filler. */
export function packedText(bytes: Uint8Array, at: number, count: number, skip: number): string {
  const d = (index: number): number => {
    const nibble = index + skip;
    const byte = bytes[at + (nibble >> 1)] ?? 0;
    return 0x30 + ((nibble & 1) === 0 ? byte >> 4 : byte & 15);
  };
  switch (count) {
    case 0:
      return '';
    case 1:
      return fromCharCode(d(0));
    case 3:
      return fromCharCode(d(0), d(1), d(2));
    case 4:
      return fromCharCode(d(0), d(1), d(2), d(3));
    case 6:
      return fromCharCode(d(0), d(1), d(2), d(3), d(4), d(5));
    case 10:
      return fromCharCode(d(0), d(1), d(2), d(3), d(4), d(5), d(6), d(7), d(8), d(9));
    case 11:
      return fromCharCode(d(0), d(1), d(2), d(3), d(4), d(5), d(6), d(7), d(8), d(9), d(10));
    case 12:
      return fromCharCode(d(0), d(1), d(2), d(3), d(4), d(5), d(6), d(7), d(8), d(9), d(10), d(11));
  }
  let text = '';
  let index = 0;
  for (; index + 4 <= count; index += 4) text += fromCharCode(d(index), d(index + 1), d(index + 2), d(index + 3));
  for (; index < count; index++) text += fromCharCode(d(index));
  return text;
}
