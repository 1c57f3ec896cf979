import { asBuffer } from '../kit/index.ts';

const { fromCharCode } = String;

// One call of `fromCharCode` with all characters beats a loop of single ones and, up to a dozen, the way into Buffer.
// The expressions are written out because a helper closure would be made anew for each value.

/** The text of some ASCII or Latin-1 bytes. */
export function latinText(b: Uint8Array, at: number, count: number): string {
  switch (count) {
    case 0:
      return '';
    case 1:
      return fromCharCode(b[at] ?? 0);
    case 2:
      return fromCharCode(b[at] ?? 0, b[at + 1] ?? 0);
    case 3:
      return fromCharCode(b[at] ?? 0, b[at + 1] ?? 0, b[at + 2] ?? 0);
    case 4:
      return four(b, at);
    case 6:
      return fromCharCode(b[at] ?? 0, b[at + 1] ?? 0, b[at + 2] ?? 0, b[at + 3] ?? 0, b[at + 4] ?? 0, b[at + 5] ?? 0);
    case 8:
      return eight(b, at);
    case 12:
      return eight(b, at) + four(b, at + 8);
    default:
      return count < 8
        ? four(b, at) + latinText(b, at + 4, count - 4)
        : (b instanceof Buffer ? b : asBuffer(b)).toString('latin1', at, at + count);
  }
}

const four = (b: Uint8Array, at: number): string =>
  fromCharCode(b[at] ?? 0, b[at + 1] ?? 0, b[at + 2] ?? 0, b[at + 3] ?? 0);

const eight = (b: Uint8Array, at: number): string =>
  fromCharCode(
    b[at] ?? 0,
    b[at + 1] ?? 0,
    b[at + 2] ?? 0,
    b[at + 3] ?? 0,
    b[at + 4] ?? 0,
    b[at + 5] ?? 0,
    b[at + 6] ?? 0,
    b[at + 7] ?? 0,
  );

/** The text of some bytes whose characters `map` gives. */
export function mappedText(b: Uint8Array, at: number, count: number, map: Uint8Array): string {
  let text = '';
  let index = at;
  for (const end = at + count - 3; index < end; index += 4)
    text += fromCharCode(
      map[b[index] ?? 0] ?? 0,
      map[b[index + 1] ?? 0] ?? 0,
      map[b[index + 2] ?? 0] ?? 0,
      map[b[index + 3] ?? 0] ?? 0,
    );
  for (; index < at + count; index++) text += fromCharCode(map[b[index] ?? 0] ?? 0);
  return text;
}

/** The digits of each byte of packed digits. */
const pairs: readonly string[] = Array.from({ length: 256 }, (_, byte) => `${byte >> 4}${byte & 15}`);

/** The text of `count` packed digits; `isLeft` puts the filler of an odd number behind, otherwise it stands in front. */
export function packedText(b: Uint8Array, at: number, count: number, isLeft: boolean): string {
  if ((count & 1) === 0) return pairsText(b, at, count >> 1);
  const length = count >> 1;
  return isLeft
    ? pairsText(b, at, length) + fromCharCode(0x30 + ((b[at + length] ?? 0) >> 4))
    : fromCharCode(0x30 + ((b[at] ?? 0) & 15)) + pairsText(b, at + 1, length);
}

function pairsText(b: Uint8Array, at: number, length: number): string {
  if (length === 2) return twoPairs(b[at] ?? 0, b[at + 1] ?? 0);
  if (length === 3) return threePairs(b[at] ?? 0, b[at + 1] ?? 0, b[at + 2] ?? 0);
  if (length === 5)
    return twoPairs(b[at] ?? 0, b[at + 1] ?? 0) + threePairs(b[at + 2] ?? 0, b[at + 3] ?? 0, b[at + 4] ?? 0);
  if (length === 6)
    return (
      threePairs(b[at] ?? 0, b[at + 1] ?? 0, b[at + 2] ?? 0) +
      threePairs(b[at + 3] ?? 0, b[at + 4] ?? 0, b[at + 5] ?? 0)
    );
  let text = '';
  for (let index = at; index < at + length; index++) text += pairs[b[index] ?? 0] ?? '';
  return text;
}

const twoPairs = (x: number, y: number): string =>
  fromCharCode(0x30 + (x >> 4), 0x30 + (x & 15), 0x30 + (y >> 4), 0x30 + (y & 15));

const threePairs = (x: number, y: number, z: number): string =>
  fromCharCode(0x30 + (x >> 4), 0x30 + (x & 15), 0x30 + (y >> 4), 0x30 + (y & 15), 0x30 + (z >> 4), 0x30 + (z & 15));
