import { createHash } from 'node:crypto';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A stream of chance. Streams of different names have nothing to do with one another: one that is asked more often changes no other. */
export interface Chance {
  /** Uniform, both ends included. */
  int(from: number, to: number): number;
  pick<T>(from: readonly T[]): T;
  /** True so many times out of a hundred. */
  percent(of: number): boolean;
  bytes(length: number): Uint8Array;
}

export function chanceOf(seed: number, name: string): Chance {
  const source = xoroshiro128plus(createHash('sha256').update(`${seed}\n${name}`).digest().readInt32LE(0));
  const int = (from: number, to: number): number => uniformInt(source, from, to);
  return {
    int,
    pick(from) {
      const found = from[int(0, from.length - 1)];
      if (found === undefined) throw new Error('nothing to pick from');
      return found;
    },
    percent: (of) => int(1, 100) <= of,
    bytes: (length) => Uint8Array.from({ length }, () => int(0, 255)),
  };
}
