import { type ErrorCode, errorTable } from '@tsunagu/protocols/errors';
import type { Result } from '@tsunagu/protocols/kit';
import fc from 'fast-check';
import { expect } from 'vitest';

/** Bytes of any kind, and whole messages with something wrong: cut, lengthened, or with a byte changed. */
export const mangled = (whole: fc.Arbitrary<Uint8Array>, lengthMax = 80): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ maxLength: lengthMax }),
    whole,
    fc.tuple(whole, fc.nat(), fc.nat(255)).map(([bytes, at, value]) => {
      const changed = Uint8Array.from(bytes);
      if (changed.length > 0) changed[at % changed.length] = value;
      return changed;
    }),
    fc.tuple(whole, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % (bytes.length + 1))),
    fc
      .tuple(whole, fc.uint8Array({ minLength: 1, maxLength: 4 }))
      .map(([bytes, more]) => Uint8Array.from([...bytes, ...more])),
  );

export const bytes = (min: number, max = min): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: min, maxLength: max });

export const byte = fc.nat(255);

/** A fault must be one of `codes`, stand in the error table, and say where within the bytes (or just behind) it is. */
export function expectOurs(
  result: Result<unknown>,
  codes: readonly ErrorCode[],
  lengthBytes = Number.POSITIVE_INFINITY,
): void {
  if (result.ok) return;
  const { code, offset } = result.fault;
  expect(codes).toContain(code);
  expect(Object.hasOwn(errorTable, code)).toBe(true);
  if (offset === undefined) return;
  expect(offset).toBeGreaterThanOrEqual(0);
  expect(offset).toBeLessThanOrEqual(lengthBytes);
}

/**
 * What any decoder owes: of any bytes a value or one of our codes, the same bytes left as they were, and a value that
 * encodes to bytes of the same value.
 */
export function expectDecoder<T>(
  input: fc.Arbitrary<Uint8Array>,
  decode: (bytes: Uint8Array) => Result<T>,
  encode: (value: T) => Uint8Array,
  codes: readonly ErrorCode[],
  numRuns = 500,
): void {
  fc.assert(
    fc.property(input, (outside) => {
      const before = Uint8Array.from(outside);
      const read = decode(outside);
      expect(outside).toEqual(before);
      expectOurs(read, codes, outside.length);
      if (!read.ok) return;
      const again = decode(encode(read.value));
      expect(again).toEqual(read);
    }),
    { numRuns },
  );
}

/** Milliseconds of the processor that a piece of work takes: what else the machine does meanwhile is not counted. */
export function took(work: () => unknown): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}
