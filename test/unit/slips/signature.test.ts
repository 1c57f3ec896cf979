import {
  emulatedSignature,
  isWritten,
  rasterOf,
  signature,
  signatureBounds,
  signatureBox,
  signaturePath,
  signatureSvg,
} from '@tsunagu/firmware-bridge/signature/index';
import { columnsOf, shiftJis, wrap } from '@tsunagu/firmware-bridge/slips/index';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const point = fc.tuple(
  fc.integer({ min: 0, max: signatureBox.width }),
  fc.integer({ min: 0, max: signatureBox.height }),
);
const written = fc
  .array(fc.array(point, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 })
  .map((strokes) => {
    let atMs = 0;
    return {
      v: 1 as const,
      strokes: strokes.map((stroke) => stroke.map(([x, y]): [number, number, number] => [x, y, (atMs += 9)])),
    };
  });

test('an emulated cardholder signs the same way each time, and somebody else differently', () => {
  const one = signature.parse(emulatedSignature('a'));
  expect(emulatedSignature('a')).toEqual(one);
  expect(emulatedSignature('b')).not.toEqual(one);
  expect(isWritten(one)).toBe(true);
  expect(signatureSvg(one)).toMatch(/^<svg [^>]*viewBox="0 0 1000 400"><path d="M\d+ \d+L/);
});

test('what a screen sends is bounded: too many points or strokes, places outside, time backwards, and a dot', () => {
  const stroke = (count: number): [number, number, number][] =>
    Array.from({ length: count }, (_, index) => [index % 1000, 1, index]);
  const ok = (strokes: unknown) => signature.safeParse({ v: 1, strokes }).success;
  expect(ok([stroke(signatureBounds.pointsMax)])).toBe(true);
  expect(ok([stroke(signatureBounds.pointsMax + 1)])).toBe(false);
  expect(ok(Array.from({ length: signatureBounds.strokesMax + 1 }, () => [[1, 1, 1]]))).toBe(false);
  expect(ok([[[signatureBox.width + 1, 0, 0]]])).toBe(false);
  expect(ok([[[1.5, 0, 0]]])).toBe(false);
  expect(
    ok([
      [
        [1, 1, 5],
        [1, 1, 4],
      ],
    ]),
  ).toBe(false);
  expect(ok([[]])).toBe(false);
  expect(ok([])).toBe(false);
  expect(isWritten({ v: 1, strokes: [[[5, 5, 0]]] })).toBe(false);
});

test('every signature has a path through each of its points, and a picture that is black at each of them', () => {
  fc.assert(
    fc.property(written, fc.constantFrom(288, 384, 576), (one, width) => {
      expect(signature.safeParse(one).success).toBe(true);
      const path = signaturePath(one);
      const scale = (width - 1) / signatureBox.width;
      const { bits, rowBytes, height } = rasterOf(one, width);
      expect(bits.length).toBe(rowBytes * height);
      for (const [x, y] of one.strokes.flat()) {
        expect(path).toContain(`${x} ${y}`);
        const [column, row] = [Math.round(x * scale), Math.round(y * scale)];
        expect((bits[row * rowBytes + (column >> 3)] ?? 0) & (0x80 >> (column & 7))).not.toBe(0);
      }
    }),
    { numRuns: 60 },
  );
});

test('any text becomes printable characters, as many bytes as columns, and breaks without a loss', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.integer({ min: 2, max: 48 }), (text, columns) => {
      const bytes = shiftJis(text);
      expect(bytes.length).toBe(columnsOf(text));
      expect([...bytes].every((byte) => byte >= 0x20 && byte !== 0x7f)).toBe(true);
      const lines = wrap(text, columns);
      for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
      expect(lines.join('').replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''));
    }),
    { numRuns: 200 },
  );
});
