import { beforeAll, describe, expect, test } from 'vitest';
import { bundle } from './build.ts';
import { drawing, mutate } from './mutate.ts';
import { minimise } from './minimise.ts';
import { runTarget } from './run-target.ts';
import { allTargets } from './targets/index.ts';
import { BrokenContract, expectOurs } from './target.ts';

/** Plenty for guidance, and next to nothing for blind chance, which must change four bytes rightly at once. */
const executionsMax = 200_000;
/** Of two dozen seeds none needed a tenth of it; which way one takes changes with the code that is instrumented. */
const guidedMax = 1_000_000;

describe('a fault behind four conditions', { timeout: 120_000 }, () => {
  let path = '';
  beforeAll(async () => {
    path = await bundle('targets/planted.ts');
  });
  const run = (seed: number, isGuided: boolean) =>
    runTarget(path, {
      target: 'planted',
      seed,
      executionsMax: isGuided ? guidedMax : executionsMax,
      forMs: 110_000,
      isGuided,
      findsMax: 1,
    });

  test.each([1, 2, 3])('is found from seed %i, made small, and reported once', async (seed) => {
    const outcome = await run(seed, true);
    if ('find' in outcome) throw new Error(outcome.find.message);
    expect(outcome.finds).toHaveLength(1);
    expect(outcome.finds[0]?.message).toBe('RangeError: the planted fault');
    expect(Buffer.from(outcome.finds[0]?.input ?? []).toString('latin1')).toMatch(/^Ts.\xa5/s);
  });

  test('is not found by blind changes', async () => {
    const outcome = await run(1, false);
    if ('find' in outcome) throw new Error(outcome.find.message);
    expect(outcome.executions).toBe(executionsMax);
    expect(outcome.finds).toHaveLength(0);
  });

  test('is found at the same execution again from the same seed', async () => {
    const [one, two] = [await run(2, true), await run(2, true)];
    if ('find' in one || 'find' in two) throw new Error('lost');
    const { elapsedMs: _, ...first } = one;
    const { elapsedMs: __, ...second } = two;
    expect(first).toEqual(second);
  });
});

test('the targets can be bundled, and what they reach is counted', { timeout: 120_000 }, async () => {
  const files = new Set((await allTargets()).map(({ file }) => file));
  for (const file of files) expect(await bundle(`targets/${file}.ts`)).toContain(file);
});

test('an input that never ends is a find, with the input', async () => {
  const path = await bundle('targets/planted.ts');
  const assignment = { target: 'endless', seed: 1, executionsMax, forMs: 60_000, isGuided: true, findsMax: 1 };
  const outcome = await runTarget(path, assignment, 2_000);
  expect('find' in outcome && outcome.find.message).toContain('hangs');
  expect('find' in outcome && outcome.find.input[0]).toBe(0x45);
});

test.each([
  ['work', 'too much work'],
  ['memory', 'too much memory'],
])('too much %s for the bytes there are is a find', async (target, message) => {
  const path = await bundle('targets/planted.ts');
  const outcome = await runTarget(path, {
    target,
    seed: 1,
    executionsMax: 5_000,
    forMs: 60_000,
    isGuided: true,
    findsMax: 1,
  });
  expect('finds' in outcome && outcome.finds[0]?.message).toContain(message);
});

test('a fault that repeats what it was given, points outside, or has no code is broken', () => {
  const broken = [
    { code: 'TRUNCATED', field: '4929777766665555' },
    { code: 'TRUNCATED', facts: { got: '5EC2E75EC2E75EC2E75E' } },
    { code: 'TRUNCATED', facts: { got: 4_929_777_766_665_555 } },
    { code: 'TRUNCATED', cause: new Error('near 4929777766665555') },
    { code: 'TRUNCATED', offset: 11 },
  ] as const;
  for (const fault of broken) expect(() => expectOurs(fault, 10)).toThrow(BrokenContract);
  expect(() => expectOurs({ code: 'TRUNCATED', field: 2, offset: 10, facts: { bytes: 3 } }, 10)).not.toThrow();
});

test('changes repeat with the seed and stay within the length', () => {
  const others = {
    tokens: [Uint8Array.of(1, 2)],
    constants: [0x54, 0x1234],
    other: () => Uint8Array.of(9, 9, 9),
    lengthMax: 40,
  };
  const run = (): readonly string[] => {
    const draw = drawing(7);
    return Array.from({ length: 500 }, () => Buffer.from(mutate(new Uint8Array(30), draw, others)).toString('hex'));
  };
  expect(run()).toEqual(run());
  expect(new Set(run()).size).toBeGreaterThan(400);
  for (const made of run()) expect(made.length).toBeLessThanOrEqual(80);
});

test('what is left of an input is what its fault needs', () => {
  const input = Uint8Array.from({ length: 200 }, (_, index) => index);
  const small = minimise(input, (smaller) => smaller.includes(17) && smaller.includes(150));
  expect([...small].filter((byte) => byte !== 0)).toEqual([17, 150]);
  expect(small.length).toBe(2);
});
