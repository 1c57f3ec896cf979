import { createHash } from 'node:crypto';

/** A stream of numbers from 0 to below 1 that follows from its seed: for play, never for keys. */
export type Seeded = () => number;

/** SHA-256 over the seed's text and a counter, 32 bits at a time. */
export function seeded(seed: string): Seeded {
  let block = Buffer.alloc(0);
  let counter = 0;
  return () => {
    if (block.length < 4) {
      block = createHash('sha256').update(`${seed}\n${counter}`).digest();
      counter += 1;
    }
    const value = block.readUInt32BE(0) / 2 ** 32;
    block = block.subarray(4);
    return value;
  };
}

/** A waiting time of a Poisson process. */
export const exponential = (next: Seeded, mean: number): number => -Math.log(1 - next()) * mean;

/** One of several, each as likely as its weight says; undefined out of none. */
export function weighted<T>(
  next: Seeded,
  choices: readonly { readonly item: T; readonly weight: number }[],
): T | undefined {
  let left = next() * choices.reduce((sum, { weight }) => sum + weight, 0);
  for (const { item, weight } of choices) {
    left -= weight;
    if (left < 0) return item;
  }
  return choices.at(-1)?.item;
}
