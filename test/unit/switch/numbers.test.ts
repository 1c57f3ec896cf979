import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { openNumbers } from '@tsunagu/fleet-server/switch/journal/numbers';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;
let store: Store;
/** Writes wait for this. */
let held: Promise<void> = Promise.resolve();
let failing = false;
const watched: Pick<Store, 'write'> = {
  async write(work) {
    await held;
    if (failing) throw new Error('the disk is full');
    return await store.write(work);
  },
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'numbers-'));
  store = unwrap(await openStore(join(folder, 'store.sqlite'), migrations, systemWorld(() => undefined).clock));
  held = Promise.resolve();
  failing = false;
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const take = async (numbers: ReturnType<typeof openNumbers>, count: number): Promise<readonly string[]> => {
  const taken: string[] = [];
  for (let nth = 0; nth < count; nth += 1) taken.push(await numbers.next());
  return taken;
};

test('no number is handed out twice, by whoever asks at once, nor after a restart', async () => {
  const first = openNumbers(watched, 'link-1');
  const together = await Promise.all(Array.from({ length: 2_500 }, () => first.next()));
  const again = await take(openNumbers(watched, 'link-1'), 1_500);
  expect(new Set([...together, ...again]).size).toBe(4_000);
  expect([...together, ...again].every((number) => /^\d{6}$/.test(number))).toBe(true);
});

test('the next numbers are reserved before the last ones are used: nobody waits for what is written just then', async () => {
  const numbers = openNumbers(watched, 'link-1');
  const taken = [...(await take(numbers, 600))];
  // Whoever comes first of all waits, and one after half of a block has the next one reserved; from here on nothing is written.
  await store.write(() => Promise.resolve());
  let release = (): void => undefined;
  held = new Promise((resolve) => {
    release = resolve;
  });
  taken.push(...(await take(numbers, 1_400)));
  let isThere = false;
  const next = numbers.next().then((number) => {
    isThere = true;
    return number;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isThere).toBe(false);
  release();
  taken.push(await next);
  expect(new Set(taken).size).toBe(2_001);
});

test('a block that cannot be reserved ahead takes nothing of the one in use, and is told to whoever needs it', async () => {
  const numbers = openNumbers(watched, 'link-1');
  await numbers.next();
  failing = true;
  expect(await take(numbers, 999)).toHaveLength(999);
  await expect(numbers.next()).rejects.toThrow('the disk is full');
  failing = false;
  expect(await numbers.next()).toBe('001001');
});
