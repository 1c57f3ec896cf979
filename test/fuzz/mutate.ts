import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A whole number from 0 up to but without `end`. */
export type Draw = (end: number) => number;

/** Draws that repeat with the seed. */
export function drawing(seed: number): Draw {
  const generator = xoroshiro128plus(seed);
  return (end) => (end <= 1 ? 0 : uniformInt(generator, 0, end - 1));
}

/** Bytes that decoders treat in a way of their own: ends of ranges, signs, lengths in more bytes. */
const telling = [
  0x00, 0x01, 0x02, 0x0f, 0x10, 0x1f, 0x30, 0x39, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0x82, 0x83, 0xf0, 0xfe, 0xff,
];

type Mutator = (input: Uint8Array, draw: Draw, others: Others) => Uint8Array;

interface Others {
  readonly tokens: readonly Uint8Array[];
  /** Numbers that the code compares with. */
  readonly constants: readonly number[];
  /** Some other input of the corpus. */
  readonly other: () => Uint8Array;
  readonly lengthMax: number;
}

function changed(input: Uint8Array, at: number, value: number): Uint8Array {
  const copy = input.slice();
  if (copy.length > 0) copy[at] = value;
  return copy;
}

function spliced(input: Uint8Array, at: number, removed: number, put: Uint8Array): Uint8Array {
  const whole = new Uint8Array(input.length - removed + put.length);
  whole.set(input.subarray(0, at));
  whole.set(put, at);
  whole.set(input.subarray(at + removed), at + put.length);
  return whole;
}

/** A run of at most sixteen bytes or, seldom, any length. */
function stretch(input: Uint8Array, draw: Draw): readonly [at: number, length: number] {
  const at = draw(input.length + 1);
  const left = input.length - at;
  return [at, draw((draw(8) === 0 ? left : Math.min(left, 16)) + 1)];
}

const mutators: readonly Mutator[] = [
  // A bit, a byte, a byte by a little, a telling byte.
  (input, draw) => {
    const at = draw(input.length);
    return changed(input, at, (input[at] ?? 0) ^ (1 << draw(8)));
  },
  (input, draw) => changed(input, draw(input.length), draw(256)),
  (input, draw) => {
    const at = draw(input.length);
    return changed(input, at, (input[at] ?? 0) + draw(17) - 8);
  },
  (input, draw) => changed(input, draw(input.length), telling[draw(telling.length)] ?? 0),
  // A number of the code: a byte, or two where it is longer.
  (input, draw, { constants }) => {
    const number = constants[draw(constants.length)] ?? 0;
    const at = draw(input.length);
    return number < 256
      ? changed(input, at, number)
      : changed(changed(input, at, number >> 8), Math.min(at + 1, input.length - 1), number & 0xff);
  },
  // Cut out, doubled, put in.
  (input, draw) => {
    const [at, length] = stretch(input, draw);
    return spliced(input, at, length, new Uint8Array(0));
  },
  (input, draw) => {
    const [at, length] = stretch(input, draw);
    return spliced(input, at + length, 0, input.subarray(at, at + length));
  },
  (input, draw) =>
    spliced(
      input,
      draw(input.length + 1),
      0,
      Uint8Array.from({ length: 1 + draw(4) }, () => draw(256)),
    ),
  (input, draw) => input.subarray(0, draw(input.length + 1)),
  // A token in between or over what is there; a stretch of another input.
  (input, draw, { tokens }) => {
    const token = tokens[draw(tokens.length)] ?? new Uint8Array(0);
    const at = draw(input.length + 1);
    return spliced(input, at, draw(2) * Math.min(token.length, input.length - at), token);
  },
  (input, draw, { other }) => {
    const from = other();
    const [start, count] = stretch(from, draw);
    const [at, length] = stretch(input, draw);
    return spliced(input, at, length, from.subarray(start, start + count));
  },
  (input, draw, { other }) => {
    const from = other();
    const at = draw(input.length + 1);
    return spliced(input, at, input.length - at, from.subarray(draw(from.length + 1)));
  },
  // A byte that may be a length, made to fit or to miss what follows it by one.
  (input, draw) => {
    const at = draw(input.length);
    return changed(input, at, input.length - at - 1 + draw(3) - 1);
  },
  // Bytes put in behind a byte that counts what follows it, or the whole; it counts them, too.
  (input, draw, { constants }) => {
    const counting = [...input.keys()].filter(
      (at) => input[at] === input.length - at - 1 || input[at] === input.length,
    );
    const at = counting[draw(counting.length)];
    if (at === undefined) return input;
    const put = Uint8Array.from({ length: 1 + draw(4) }, () =>
      draw(2) === 0 ? draw(256) : (constants[draw(constants.length)] ?? 0),
    );
    const grown = changed(input, at, (input[at] ?? 0) + put.length);
    return spliced(grown, at + 1 + draw(input.length - at), 0, put);
  },
  // A decimal or hexadecimal digit, for formats that are text.
  (input, draw) => changed(input, draw(input.length), '0123456789ABCDEF'.charCodeAt(draw(16))),
];

/** One change to a copy of the input, and as often two, four or eight one after another. */
export function mutate(input: Uint8Array, draw: Draw, others: Others): Uint8Array {
  let result = input;
  for (let left = 1 << Math.max(0, draw(6) - 2); left > 0; left -= 1)
    result = (mutators[draw(mutators.length)] ?? ((same) => same))(result, draw, others);
  return result.slice(0, others.lengthMax);
}
