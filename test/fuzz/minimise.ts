const attemptsMax = 2_000;

/**
 * A smaller input that still fails in the same way: stretches are left out, halves first, then bytes become zero.
 * Ends when no single step helps any more, or after 2,000 attempts.
 */
export function minimise(input: Uint8Array, isSame: (smaller: Uint8Array) => boolean): Uint8Array {
  let best = input;
  let attempts = 0;
  const take = (smaller: Uint8Array): boolean => {
    attempts += 1;
    if (attempts > attemptsMax || !isSame(smaller)) return false;
    best = smaller;
    return true;
  };
  for (let size = best.length >> 1; size >= 1; size >>= 1)
    for (let at = 0; at + size <= best.length && attempts <= attemptsMax; ) {
      if (!take(Uint8Array.from([...best.subarray(0, at), ...best.subarray(at + size)]))) at += size;
    }
  for (let at = 0; at < best.length && attempts <= attemptsMax; at += 1) {
    if (best[at] === 0) continue;
    const simpler = Uint8Array.from(best);
    simpler[at] = 0;
    take(simpler);
  }
  return best;
}
