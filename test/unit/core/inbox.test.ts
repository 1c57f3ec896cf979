import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { watchInbox } from '@tsunagu/fleet-server/negative/index';
import { fail } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withCheckDigit } from '../../negative/lists.ts';
import { newFolder, removeFolder, testHouse, until } from './support.ts';

const folder = newFolder();
const inbox = join(folder, 'inbox', 'negative', 'issuer-a');
/** How often the inbox looks (`fleet-server/src/negative/inbox.ts`). */
const lookMs = 2_000;
let house: Awaited<ReturnType<typeof testHouse>>;

beforeAll(async () => {
  house = await testHouse(folder, {
    around: (world) => ({
      ...world,
      timers: {
        ...world.timers,
        every: (periodMs, work) => world.timers.every(periodMs === lookMs ? 100 : periodMs, work),
      },
    }),
  });
  mkdirSync(inbox, { recursive: true });
});
afterAll(async () => {
  await house.house.close();
  removeFolder(folder);
});

const put = (name: string, content: string | Uint8Array): void => writeFileSync(join(inbox, name), content);
const isThere = (name: string): boolean => existsSync(join(inbox, name));
const reportOf = (name: string): Promise<Record<string, unknown>> =>
  until(`the report of ${name}`, () => {
    const path = join(inbox, `${name}.report.json`);
    return existsSync(path) && !isThere(name) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  });
const explain = async (pan: string) => (await house.call('POST', '/negative/explanations', { pan })).body;

const [first, second, third] = ['4761739001010010', '5413330089010483', '3566002020360505'] as const;

test('a list that is put into the folder is taken in by its source, and no card number stays', async () => {
  put('monday.csv', `pan,reason\n${first},stolen\n${second},lost\nnot a card\n`);
  expect(await reportOf('monday.csv')).toMatchObject({
    taken: true,
    mode: 'add',
    added: 2,
    removed: 0,
    published: true,
    refused: [{ line: 4, why: 'pan' }],
  });
  expect(await explain(first)).toMatchObject({ listed: true, entries: [{ source: 'issuer-a', reason: 'stolen' }] });
  expect(await explain(first)).toMatchObject({ changes: [{ by: 'inbox/issuer-a' }] });
  for (const name of readdirSync(inbox)) expect(readFileSync(join(inbox, name), 'utf8')).not.toContain(first.slice(6));
});

test('a whole list takes off what it does not name, when enough stays to do it with one signature', async () => {
  const many = Array.from({ length: 60 }, (_, index) => withCheckDigit(`476173900${String(index).padStart(6, '0')}`));
  put('tuesday.full.csv', [first, second, ...many].join('\n'));
  expect(await reportOf('tuesday.full.csv')).toMatchObject({ taken: true, mode: 'replace', added: 60, removed: 0 });
  put('wednesday.full.csv', [second, third, ...many].join('\n'));
  expect(await reportOf('wednesday.full.csv')).toMatchObject({ added: 1, removed: 1, published: true });
  expect(await explain(first)).toMatchObject({ listed: false });
  // Half of it gone at once: taken in, and not published with one signature.
  put('thursday.full.csv', [second, third].join('\n'));
  expect(await reportOf('thursday.full.csv')).toMatchObject({
    taken: true,
    published: false,
    needsSecondSignature: true,
  });
});

test.each([
  ['a line that is no card', 'broken.full.csv', `${second}\n4761739001010011\n`, { field: 'line', line: 2 }],
  ['no card at all', 'empty.full.csv', 'pan,reason\n', { field: 'cards' }],
  ['bytes that are no text', 'bytes.csv', Uint8Array.of(0xff, 0xfe, 0x00), { field: 'text' }],
])('%s: refused whole, kept beside, and said where', async (_, name, content, facts) => {
  put(name, content);
  expect(await reportOf(name)).toMatchObject({ taken: false, code: 'NEGATIVE_LIST_REFUSED', ...facts });
  expect(isThere(`${name}.refused`)).toBe(true);
  expect(await explain(second)).toMatchObject({ listed: true });
});

test('a file that still grows, or is on its way, is left alone', async () => {
  const watched = join(folder, 'watched');
  const at = (name: string): string => join(watched, 'issuer-a', name);
  mkdirSync(join(watched, 'issuer-a'), { recursive: true });
  const world = systemWorld(() => undefined);
  let look: () => void = () => undefined;
  const every = (_periodMs: number, work: () => void) => {
    look = work;
    return { cancel: () => undefined };
  };
  const taken: string[] = [];
  const spy = await watchInbox({ ...world, timers: { ...world.timers, every } }, watched, ({ text }) => {
    taken.push(text);
    return Promise.resolve(fail('NEGATIVE_LIST_REFUSED'));
  });
  // Whoever ends it waits for the look that is under way.
  const lookWhole = async (): Promise<void> => {
    look();
    await spy.close();
  };
  writeFileSync(at('on-its-way.csv.part'), `${first}\n`);
  writeFileSync(at('.hidden.csv'), `${first}\n`);
  let text = '';
  for (let line = 0; line < 8; line++) {
    text += `${first}\n`;
    // It grows between any two looks.
    writeFileSync(at('growing.csv'), text);
    await lookWhole();
    expect(taken).toEqual([]);
  }
  await lookWhole();
  expect(taken).toEqual([text]);
  expect([at('on-its-way.csv.part'), at('.hidden.csv')].map((path) => existsSync(path))).toEqual([true, true]);
});
