import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { switchLinks, switchPaths } from '@tsunagu/protocols/fleet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { freePortBase } from './house.ts';
import { openSwitchHouse, Program, programPath, type SwitchHouse } from './switch-programs.ts';

let house: SwitchHouse;
let oracle: Program;
let issuer: Program;
let tap: readonly string[];
beforeAll(async () => {
  house = await openSwitchHouse(await freePortBase());
  oracle = new Program('oracle', []);
  tap = ['--tap', String((await oracle.line('ready'))['port'])];
  const dialled = ['card-company-1', 'unionpay-1', 'j-debit-1'];
  issuer = new Program('issuer', [...house.common, '--link', ...dialled, ...tap]);
  await issuer.line('ready');
  // The switch dialled before the issuer was there, and dials again some seconds later: until then it answers 912.
  const text = await readFile(join(house.folder, 'access.json'), 'utf8');
  const { url, token } = z.object({ url: z.string(), token: z.string() }).parse(JSON.parse(text));
  for (let isUp = false; !isUp; ) {
    const answer = await fetch(`${url}${switchPaths.links}`, { headers: { authorization: `Bearer ${token}` } });
    const { items } = switchLinks.parse(await answer.json());
    isUp = dialled.every((id) => items.some((link) => link.id === id && link.state === 'signed-on'));
    if (!isUp) await new Promise((resolve) => setTimeout(resolve, 200));
  }
}, 180_000);
afterAll(async () => {
  for (const program of [issuer, oracle]) await program?.kill();
  await house?.close();
});

/** A centre of this kind as a process: what it counted, what its day came to, and how it ended. */
async function run(link: string, profile: object, requests = 24) {
  const path = join(house.folder, `${link}.profile.json`);
  await writeFile(path, JSON.stringify({ name: 'test', ratePerSecond: 40, ...profile }));
  const args = ['--link', link, '--profile', path, '--requests', String(requests), '--reconcile', ...tap];
  const centre = new Program('centre', [...house.common, ...args]);
  const day = await centre.line('reconciled');
  const counts = await centre.line('ended');
  const failed = await centre.line('failed').catch(() => undefined);
  await centre.ended;
  return { day, counts, failed };
}

/** What the oracle says once the switch owes nobody anything. */
async function verdict(): Promise<Record<string, unknown>> {
  for (;;) {
    oracle.say('');
    const said = await oracle.line('verdict');
    if (said['violated'] === 0) return said;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

test.each([
  ['pos-centre-1', { refunded: 0.4, cancelled: 0.2, repeated: 0.2 }],
  ['ec-centre-1', { mix: { authorisation: 0.2, validity: 0.1 }, refunded: 0.5, cancelled: 0.2 }],
  ['ticket-centre-1', { mix: { offlineSale: 0.1 }, refunded: 0.3, cancelled: 0.3 }],
  ['travel-centre-1', { amountMinor: { least: 20_000, most: 900_000 }, refunded: 0.4, cancelled: 0.2 }],
])(
  '%s sells, refunds and takes back, and its business day agrees with the switch; so it does after a second run',
  async (link, profile) => {
    const first = await run(link, profile);
    expect(first.failed).toBeUndefined();
    expect(first.counts).toMatchObject({ asked: 24, unanswered: 0, reversing: 0 });
    expect(first.counts['declined']).toEqual({});
    expect(first.counts['reversalsRefused']).toEqual({});
    expect(first.counts['refunded']).toBeGreaterThan(0);
    expect(first.counts['reversed']).toBeGreaterThan(0);
    expect(first.day).toMatchObject({ actionCode: '500', isFinal: false, differences: [] });
    expect(first.day['ours']).toEqual(first.day['theirs']);
    expect(first.day['ours']).toMatchObject({ credits: first.counts['refunded'] });
    const second = await run(link, profile, 4);
    expect(second.day).toMatchObject({ actionCode: '500', differences: [] });
    expect(await verdict()).toMatchObject({ violations: [] });
  },
);

test('UnionPay by PIN and signature, J-Debit by PIN: over the switch, refunded or taken back, and the day agrees', async () => {
  const union = await run('pos-centre-1', {
    cards: { names: ['unionpay-contact'] },
    verification: 'pinAndSignature',
    refunded: 0.5,
  });
  expect(union).toMatchObject({ failed: undefined, day: { actionCode: '500' } });
  expect(union.counts['declined']).toEqual({});
  expect(union.counts['refunded']).toBeGreaterThan(0);
  const debit = { cards: { names: ['cash-card'] }, amountMinor: { least: 100, most: 2_000 }, verification: 'pin' };
  const bank = await run('pos-centre-1', { ...debit, cancelled: 0.5 });
  expect(bank).toMatchObject({ failed: undefined, day: { actionCode: '500' } });
  expect(bank.counts['declined']).toEqual({});
  expect(bank.counts['reversed']).toBeGreaterThan(0);
  // No PIN is none, and a contract without refunds has none.
  const signed = await run('pos-centre-1', { ...debit, verification: 'signature' }, 3);
  expect(signed.counts['declined']).toEqual({ '112': 3 });
  const back = await run('pos-centre-1', { ...debit, refunded: 1 }, 3);
  expect(back.counts).toMatchObject({ approved: 3, refunded: 0, declined: { '119': 3 } });
  expect(await verdict()).toMatchObject({ violations: [] });
});

test('a centre whose books are gone is told each item that the switch alone has', async () => {
  await rm(join(house.folder, 'merchant-centre', 'ec-centre-1.jsonl'));
  const { day, failed } = await run('ec-centre-1', {}, 2);
  expect(day).toMatchObject({ actionCode: '501' });
  const differences = day['differences'] as readonly { readonly oursMinor: number | null }[];
  expect(differences.length).toBeGreaterThan(10);
  expect(differences.every(({ oursMinor }) => oursMinor === null)).toBe(true);
  expect(failed).toMatchObject({ code: 'EMULATOR_NOT_BALANCED' });
});

test('a centre whose reader goes away ends what is open, and itself, without a word', async () => {
  const args = [...house.common, '--link', 'travel-centre-1', '--profile', 'travel', '--rate', '10', '--reconcile'];
  const centre = spawn(process.execPath, [programPath('centre'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  centre.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await once(centre.stdout, 'data');
  centre.stdout.destroy();
  const [code] = (await once(centre, 'close')) as [number | null];
  expect([code, said]).toEqual([0, '']);
});
