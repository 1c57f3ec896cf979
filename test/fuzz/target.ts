import { isDeepStrictEqual } from 'node:util';
import { errorTable } from '@tsunagu/protocols/errors';
import { type Fault, type Result, Secret, toHex } from '@tsunagu/protocols/kit';

/** A decoder that takes outside bytes, and what it owes. */
export interface Target {
  readonly name: string;
  /** Whole inputs to start from. Where a decoder needs keys or dialects, they are built in. */
  readonly seeds: () => readonly Uint8Array[];
  /** Pieces that mutation puts in: tags, magic words, names of properties. */
  readonly tokens?: readonly Uint8Array[];
  /** Longest input that is tried. */
  readonly lengthMax?: number;
  /** Most counted statements and branches for an input: `base` and so many for each byte. */
  readonly work?: Bound;
  /** Most bytes of arrays asked for. */
  readonly memory?: Bound;
  /** Decodes once and says whether there was a value. Throws `BrokenContract`, or whatever the decoder lets out. */
  readonly run: (input: Uint8Array) => boolean;
}

export interface Bound {
  readonly base: number;
  readonly perByte: number;
}

/** What a decoder must do and did not. */
export class BrokenContract extends Error {
  override readonly name = 'BrokenContract';
}

/** Ends the run unless `holds`. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new BrokenContract(what);
}

/** Text of an error holds no card number, key or other run of the input that is worth reading. */
const longRun = /\d{9}|[0-9A-Fa-f]{16}/;

function expectHarmless(value: unknown, where: string, depth = 0): void {
  must(depth < 6, `${where} is nested without end`);
  if (typeof value === 'string') {
    must(value.length <= 200, `${where} holds ${value.length} characters`);
    must(!longRun.test(value), `${where} repeats the input`);
  } else if (typeof value === 'number') must(Math.abs(value) <= 2 ** 32, `${where} is a number beyond any length`);
  else if (value instanceof Uint8Array) must(false, `${where} holds bytes`);
  else if (value instanceof Error) {
    expectHarmless(value.message, `${where}.message`, depth + 1);
    expectHarmless(value.cause, `${where}.cause`, depth + 1);
  } else if (typeof value === 'object' && value !== null)
    for (const [key, part] of Object.entries(value)) {
      expectHarmless(key, `a name in ${where}`, depth + 1);
      expectHarmless(part, `${where}.${key}`, depth + 1);
    }
}

/** One of our errors: a code of the table, a place within the bytes, and nothing of the input. */
export function expectOurs(fault: Fault, lengthBytes: number): void {
  must(Object.hasOwn(errorTable, fault.code), `${fault.code} is no code of the error table`);
  const { offset } = fault;
  must(offset === undefined || (Number.isInteger(offset) && offset >= 0 && offset <= lengthBytes), `offset ${offset}`);
  expectHarmless(fault, 'the fault');
}

/** Items, characters and bytes of a value, secrets included. */
export function sizeOf(value: unknown, depth = 0): number {
  must(depth < 40, 'the value is nested without end');
  if (typeof value === 'string') return 1 + value.length;
  if (value instanceof Uint8Array || value instanceof Secret) return 1 + value.length;
  if (typeof value !== 'object' || value === null) return 1;
  const parts = value instanceof Map ? [...value] : Object.values(value);
  return parts.reduce<number>((sum, part) => sum + sizeOf(part, depth + 1), 1);
}

/** A value with its secrets as hexadecimal, so that two can be compared. */
export function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.use(toHex);
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof Map) return [...value].map(revealed);
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, revealed(part)]));
  return value;
}

export function expectSame(left: unknown, right: unknown, what: string): void {
  must(isDeepStrictEqual(revealed(left), revealed(right)), what);
}

/** The bytes of a seed. */
export const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value, 'utf8'));

interface DecoderTarget<T> extends Omit<Target, 'run'> {
  readonly decode: (input: Uint8Array) => Result<T>;
  /** Writes a value that was read; reading it again must give the same. */
  readonly encode?: (value: T) => Uint8Array | Result<Uint8Array>;
  /** More that holds of a value. */
  readonly check?: (value: T, input: Uint8Array) => void;
}

/** A target out of a decoder: the whole contract, with a round trip where there is a writer. */
export function decoder<T>({ decode, encode, check, ...rest }: DecoderTarget<T>): Target {
  return {
    ...rest,
    run(input) {
      const before = input.slice();
      const read = decode(input);
      must(Buffer.compare(before, input) === 0, 'the input was written to');
      if (!read.ok) {
        expectOurs(read.fault, input.length);
        return false;
      }
      must(sizeOf(read.value) <= 4096 + 64 * input.length, 'the value is larger than its bytes can say');
      check?.(read.value, input);
      if (encode) {
        const written = encode(read.value);
        const bytes = written instanceof Uint8Array ? written : written.ok ? written.value : undefined;
        must(bytes !== undefined, 'what was read cannot be written');
        const again = decode(bytes);
        must(again.ok, 'what was written cannot be read');
        expectSame(again.value, read.value, 'what was written reads otherwise');
      }
      return true;
    },
  };
}
