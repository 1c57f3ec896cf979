import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { allTargets } from './targets/index.ts';

const crashers = new URL('crashers/', import.meta.url);
const targets = await allTargets();

describe('inputs that once broke a contract', () => {
  const kept = existsSync(crashers) ? readdirSync(crashers) : [];

  test('belong to a target that there is', () => {
    expect(targets.map(({ target: { name } }) => name)).toEqual(expect.arrayContaining(kept));
  });

  const inputs = kept.flatMap((name) =>
    readdirSync(new URL(`${name}/`, crashers)).map((file) => [name, file] as const),
  );
  test.each(inputs)('%s holds for %s', (name, file) => {
    const found = targets.find(({ target }) => target.name === name);
    const input = Uint8Array.from(readFileSync(new URL(`${name}/${file}`, crashers)));
    expect(() => found?.target.run(input)).not.toThrow();
  });
});

describe('targets', () => {
  test('have names of their own', () => {
    const names = targets.map(({ target: { name } }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each(targets.map(({ target }) => [target.name, target] as const))(
    '%s reads a seed, refuses nothing at all and every cut of a short one by its contract',
    (name, target) => {
      const seeds = target.seeds();
      expect(
        seeds.filter((seed) => target.run(Uint8Array.from(seed))).length,
        `${name}: no seed is read`,
      ).toBeGreaterThan(0);
      target.run(new Uint8Array(0));
      for (const seed of seeds.slice(0, 3))
        for (let end = 0; end < Math.min(seed.length, 120); end += 1) target.run(seed.slice(0, end));
    },
  );
});
