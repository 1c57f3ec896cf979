import { expect, test } from 'vitest';
import { drawing, mutate } from '../../fuzz/mutate.ts';
import { targets as all } from '../../fuzz/targets/fleet.ts';

const targets = all.filter(({ name }) => name.startsWith('negative-'));

// Guided search over the same contracts, by the minute: npm run fuzz -- negative-container --seconds 600.
test.each(targets)(
  '$name: two thousand inputs that were changed at random are read as one list in one form, or refused with one of our faults',
  ({ seeds, tokens = [], lengthMax = 4_096, run }) => {
    const whole = seeds();
    expect(whole.length).toBeGreaterThan(0);
    const draw = drawing(7);
    let refused = 0;
    for (let input = 0; input < 2_000; input += 1) {
      const from = whole[draw(whole.length)] ?? new Uint8Array(0);
      const other = () => whole[draw(whole.length)] ?? from;
      if (!run(mutate(from, draw, { other, tokens, constants: [], lengthMax }))) refused += 1;
    }
    // Most of it is nonsense; what is not is a list of its own.
    expect(refused).toBeGreaterThan(500);
  },
);

test('there is a target for each thing that comes from outside', () => {
  expect(targets.map(({ name }) => name)).toEqual([
    'negative-container',
    'negative-delta',
    'negative-overlay',
    'negative-signed-document',
  ]);
});
