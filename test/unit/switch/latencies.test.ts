import { Latencies } from '@tsunagu/fleet-server/merchant-centre/latencies';
import { expect, test } from 'vitest';

test('a share of many durations is found to one per cent, whatever they are', () => {
  const latencies = new Latencies();
  expect(latencies.atMs(0.99)).toBe(0);
  // From a hundredth of a millisecond to some minutes, far from even.
  const durations = Array.from({ length: 10_000 }, (_, at) => 0.01 * 1.0016 ** ((at * 7_919) % 10_000));
  for (const ms of durations) latencies.add(ms);
  const sorted = durations.toSorted((a, b) => a - b);
  for (const share of [0, 0.01, 0.5, 0.9, 0.99, 0.9999]) {
    const exact = sorted[Math.floor(sorted.length * share)] ?? 0;
    expect(latencies.atMs(share)).toBeGreaterThanOrEqual(exact * 0.9999);
    expect(latencies.atMs(share)).toBeLessThanOrEqual(exact * 1.0101);
  }
  expect(latencies.atMs(1)).toBe(sorted.at(-1));
  expect(latencies.maxMs).toBe(sorted.at(-1));
});

test('what is shorter or longer than all classes is in the first and the last', () => {
  const latencies = new Latencies();
  latencies.add(0);
  expect(latencies.atMs(0.5)).toBe(0);
  latencies.add(3_600_000);
  expect(latencies.atMs(0.99)).toBeGreaterThan(500_000);
  expect(latencies.maxMs).toBe(3_600_000);
});
