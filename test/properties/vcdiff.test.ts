import { applyVcdiff, encodeVcdiff } from '@tsunagu/protocols/software';
import { decode as decodeByAbly } from '@ably/vcdiff-decoder';
import { fc } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { expectOurs } from './any-bytes.ts';

const encode = (source: Uint8Array, target: Uint8Array): Uint8Array => {
  const steps = encodeVcdiff(source, target);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
};

/** Two versions of one thing: pieces kept, dropped, repeated, changed, with something new in between. */
const versions = fc
  .tuple(
    fc.uint8Array({ maxLength: 2_000 }),
    fc.array(
      fc.oneof(
        fc.record({ from: fc.nat(2_000), length: fc.nat(700) }),
        fc.uint8Array({ maxLength: 60 }),
        fc.record({ byte: fc.nat(255), times: fc.nat(300) }),
      ),
      { maxLength: 20 },
    ),
  )
  .map(([source, pieces]) => ({
    source,
    target: Uint8Array.from(
      Buffer.concat(
        pieces.map((piece) => {
          if (piece instanceof Uint8Array) return piece;
          if ('byte' in piece) return new Uint8Array(piece.times).fill(piece.byte);
          return source.subarray(piece.from, piece.from + piece.length);
        }),
      ),
    ),
  }));

test('a delta leads from any bytes to any others, for us and for a decoder that is not ours', () => {
  fc.assert(
    fc.property(versions, ({ source, target }) => {
      const delta = encode(source, target);
      expect(applyVcdiff(delta, source, target.length)).toEqual({ ok: true, value: target });
      if (target.length > 0) expect(Uint8Array.from(decodeByAbly(delta, source))).toEqual(target);
    }),
  );
});

test('any bytes are a delta or a fault, and never more than was asked for', () => {
  const source = new Uint8Array(5_000).map((_, at) => at * 7);
  const target = Uint8Array.from([...source.subarray(1_000, 4_000), ...source.subarray(0, 500)]);
  const delta = encode(source, target);
  const damaged = fc
    .array(fc.tuple(fc.nat(delta.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .map((flaws) => {
      const bytes = Uint8Array.from(delta);
      for (const [at, byte] of flaws) bytes[at] = byte;
      return bytes;
    });
  fc.assert(
    fc.property(
      fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })),
      fc.constantFrom(target.length, 10),
      (bytes, size) => {
        const made = applyVcdiff(bytes, source, size);
        expectOurs(made, ['SOFTWARE_DELTA_INVALID'], bytes.length);
        if (made.ok) expect(made.value.length).toBe(size);
      },
    ),
    { numRuns: 2_000 },
  );
});

test.each([
  // Magic, no header flags; window: no source; length of the rest; target length; no compression; data, instructions, addresses.
  ['a target larger than was asked for', [0, 12, 0x8f, 0xff, 0xff, 0x7f, 0, 0, 2, 0, 0, 0, 0, 0]],
  ['a run beyond its window', [0, 9, 4, 0, 1, 3, 0, 0x61, 0, 0x87, 0x68]],
  ['a copy from where nothing is yet', [0, 8, 4, 0, 0, 1, 1, 20, 5]],
  ['an address before the beginning', [0, 8, 4, 0, 0, 1, 1, 36, 9]],
  ['an integer without end', [0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ['sections longer than the window says', [0, 7, 4, 0, 9, 1, 1, 20, 0]],
  ['a source beyond the source', [1, 0x9f, 0x7f, 0, 6, 4, 0, 0, 1, 1, 20, 0]],
  ['both source and target', [3, 1, 0, 6, 4, 0, 0, 1, 1, 20, 0]],
])('refuses a delta with %s', (_, window) => {
  const delta = Uint8Array.from([0xd6, 0xc3, 0xc4, 0, 0, ...window]);
  expect(applyVcdiff(delta, new Uint8Array(10), 4)).toMatchObject({ fault: { code: 'SOFTWARE_DELTA_INVALID' } });
});
