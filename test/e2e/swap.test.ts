import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folderFiles, openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { openSaleStore, type Transaction } from '@tsunagu/firmware-bridge/sales/index';
import { terminalIdOf } from '@tsunagu/protocols/acquiring';
import {
  registeredTerminal,
  type SwapView,
  swapView,
  switchTransaction,
  terminalDetail,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { agentProgram, type Desk, dying, openDesk, Program, serverProgram } from './desk.ts';
import { freePortBase, runCli, until } from './house.ts';

// Two swaps in a row between real processes. In the first the server is killed at each of its steps, before and after its commit; in the
// second the old unit is killed at each write by which it delivers, is asked and answers. Customers buy all the while.
const folder = mkdtempSync(join(tmpdir(), 'tsunagu-swap-'));
const data = join(folder, 'house');
const [first, second, third] = ['CT5100-0001', 'CT5100-0002', 'CT5100-0003'] as const;
const photo = 'a'.repeat(64);
let portBase = '';
let server: Program;
let company: Program;
let desk: Desk;
let [olga, otto] = ['', ''];
const agents = new Map<string, Program>();

const folderOf = (serial: string): string => join(folder, 'terminals', serial);
const detail = async (serial: string) =>
  terminalDetail.parse((await desk.call(olga, `/api/v1/terminals/${serial}`)).body);
const dukptOf = async (serial: string) => (await detail(serial)).keys.find(({ slot }) => slot === 'dukpt');

async function startServer(diesAt?: string): Promise<void> {
  server = serverProgram(data, portBase, dying(diesAt));
  await server.ready;
}
function powerOn(serial: string, diesAt?: string, saleEverySeconds = 2): Program {
  const agent = agentProgram(folderOf(serial), ['--sale-every-seconds', String(saleEverySeconds)], dying(diesAt));
  agents.set(serial, agent);
  return agent;
}

async function register(serial: string, state: string): Promise<void> {
  const place = { merchant: 'm', shop: state === 'deployed' ? 'shop' : 'depot' };
  const made = await desk.call(desk.owner, '/api/v1/terminals', { serial, model: 'CT-5100', place, lifecycle: state });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  mkdirSync(folderOf(serial), { recursive: true });
  const { claim } = registeredTerminal.parse(made.body);
  writeFileSync(join(folderOf(serial), 'claim.json'), JSON.stringify(claim), { mode: 0o600 });
}

async function move(serial: string, to: string, evidence: object): Promise<void> {
  const moved = await desk.call(olga, `/api/v1/terminals/${serial}/lifecycle`, { to, reason: 'test', evidence });
  expect(moved.status, JSON.stringify(moved.body)).toBeLessThan(300);
  const { items } = (await desk.call(otto, '/api/v1/approvals?state=requested')).body as { items: { id: string }[] };
  for (const { id } of items) {
    const decided = await desk.call(otto, `/api/v1/approvals/${id}/decisions`, { verdict: 'approved' });
    expect(decided.status, JSON.stringify(decided.body)).toBeLessThan(300);
  }
}

/** Sales that a terminal has in its own books, approved. */
async function approvedAt(serial: string): Promise<readonly Transaction[]> {
  const store = unwrap(
    await openSealedStore(
      await folderFiles(folderOf(serial)),
      systemWorld(() => undefined),
    ),
  );
  return unwrap(await openSaleStore(store))
    .all()
    .filter(({ outcome }) => outcome === 'approved');
}

beforeAll(async () => {
  portBase = String(await freePortBase());
  await startServer();
  company = new Program([
    fileURLToPath(new URL('../../fleet-server/dist/card-company.js', import.meta.url)),
    '--data',
    data,
    '--port-base',
    portBase,
  ]);
  await company.ready;
  desk = openDesk(data);
  olga = await desk.person('olga', 'operator');
  otto = await desk.person('otto', 'admin');
  await register(first, 'deployed');
  for (const serial of [second, third]) await register(serial, 'warehouse');
  for (const serial of [first, second, third]) powerOn(serial);
  for (const serial of [first, second, third])
    await until(
      async () => {
        const { keys, negative } = await detail(serial);
        return keys.length === 2 && negative.current;
      },
      120_000,
      () => `no keys or list in ${serial}`,
    );
  for (const serial of [second, third]) {
    await agents.get(serial)?.kill();
    const keyCheckValues = (await detail(serial)).keys.map(({ slot, kcv }) => ({ slot, kcv }));
    await move(serial, 'keyed', { keyCheckValues });
    await move(serial, 'in-transit', { bagNumber: `BAG-${serial}`, seals: ['S-1'] });
  }
}, 420_000);
afterAll(async () => {
  for (const each of [...agents.values(), company, server]) await each?.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** No customer pays so much by chance: prices end in tens. */
const aloneMinor = 511;
/** Two sales that terminal and card approve alone: one is delivered, and it dies before the switch hears of the other, which waits in the unit that is off. */
async function sellAlone(serial: string): Promise<void> {
  await agents.get(serial)?.kill();
  // Put, counted as sent, taken from the list; put.
  const agent = powerOn(serial, 'file advices.sealed 4 after', 3_600);
  for (const card of ['visa-offline', 'mastercard-offline']) {
    const sale = { amountMinor: aloneMinor, card };
    const ordered = await desk.call(olga, `/api/v1/terminals/${serial}/test-sales`, sale);
    expect(ordered.status, JSON.stringify(ordered.body)).toBe(202);
    const isKnown = async () => (await journalOf(serial)).some(({ amountMinor }) => amountMinor === aloneMinor);
    await until(async () => agent.isDead || (await isKnown()), 60_000);
  }
  await agent.died();
}

/** Of two units one is in the shop at every moment. */
async function oneSells(old: string, fresh: string): Promise<void> {
  const states = await Promise.all([old, fresh].map(async (serial) => (await detail(serial)).lifecycle));
  expect(
    states.filter((state) => state === 'deployed'),
    states.join(' '),
  ).toHaveLength(1);
}
const swapOf = async (old: string): Promise<SwapView | undefined> =>
  z
    .object({ items: z.array(swapView) })
    .parse((await desk.call(olga, '/api/v1/swaps')).body)
    .items.find((swap) => swap.old === old);
/** Whoever does not know whether it was begun asks. */
async function begin(old: string, fresh: string): Promise<void> {
  if (await swapOf(old)) return;
  const evidence = { bagNumber: `BAG-${fresh}`, photo, seals: ['S-1'], connections: 1 };
  const begun = await desk.call(olga, '/api/v1/swaps', { old, new: fresh, reason: 'worn', evidence });
  expect(begun.status, JSON.stringify(begun.body)).toBe(202);
}
/** Has the server look at a swap until something is so; whether it dies over that is its own affair. */
async function advance(old: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  let seen: unknown;
  const look = async (): Promise<boolean> => {
    if (await isSo()) return true;
    const id = (await swapOf(old))?.id ?? '';
    seen = (await desk.call(olga, `/api/v1/swaps/${id}/acts`, { verb: 'advance' })).body;
    return false;
  };
  await until(
    () => look().catch(() => false),
    90_000,
    () => JSON.stringify(seen),
  );
}
const closed = (old: string): Promise<void> => advance(old, async () => (await swapOf(old))?.step === 'closed');

/** The server's journal of one terminal, whole. */
async function journalOf(serial: string) {
  const found: z.infer<typeof switchTransaction>[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = `terminal=${terminalIdOf(serial)}&limit=200${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const page = z
      .object({ items: z.array(switchTransaction), next: z.string().nullish() })
      .parse((await desk.call(olga, `/api/v1/switch/transactions?${query}`)).body);
    found.push(...page.items);
    cursor = page.next ?? null;
  }
  return found;
}

/** States of a sale that stands: the issuer approved it, or is yet to be told, or has been. */
const stands: ReadonlySet<string> = new Set(['approved', 'posting', 'posted']);
/** What units have in their own books is in the server's, each once, and nothing beside it stands. */
async function everySaleOnce(...serials: readonly string[]): Promise<void> {
  for (const serial of serials) {
    await agents.get(serial)?.kill();
    agents.set(serial, agentProgram(folderOf(serial), ['--sale-every-seconds', '3600']));
  }
  const line = ({ stan, amountMinor }: { stan: string; amountMinor: number }): string => `${stan} ${amountMinor}`;
  for (const serial of serials) {
    let [own, known]: [string[], string[]] = [[], []];
    const isSame = async (): Promise<boolean> => {
      own = (await approvedAt(serial)).map(line).toSorted();
      known = (await journalOf(serial))
        .filter(({ state }) => stands.has(state))
        .map(line)
        .toSorted();
      return own.length > 0 && own.join() === known.join();
    };
    await until(isSame, 60_000, () => `${serial}: own ${own.join()}, known ${known.join()}`);
  }
}

/** The new unit sells under keys of its own, with what the old one was set to; the old one is asked for nothing more. */
async function isInPlace(old: string, fresh: string, keysBefore: readonly unknown[]): Promise<void> {
  await oneSells(old, fresh);
  expect((await detail(fresh)).lifecycle).toBe('deployed');
  await until(async () => (await journalOf(fresh)).some(({ state }) => stands.has(state)), 60_000);
  const keys = [await dukptOf(old), await dukptOf(fresh)];
  expect(keys.map((key) => key?.kcv)).toEqual(keysBefore);
  expect(new Set(keysBefore).size).toBe(2);
  expect((await detail(fresh)).place.shop).toBe('shop');
}

test('the server may die at any step of a swap, before or after its commit', async () => {
  const set = ['config', 'set', `terminal:${first}`, 'floorLimitMinor=300000', 'offlineAmountMaxMinor=10000000'];
  expect(await runCli(['--data', data, ...set, '--reason', 'test'])).toMatchObject({ code: 0 });
  await until(async () => (await detail(first)).configuration.inSync, 60_000);
  const keysBefore = [(await dukptOf(first))?.kcv, (await dukptOf(second))?.kcv];
  await sellAlone(first);
  const moments = ['begun', 'prepared', 'drained', 'handed', 'closed'].flatMap((step) =>
    ['before', 'after'].map((when) => `table swaps ${step} ${when}`),
  );
  await server.kill();
  for (const moment of moments) {
    await startServer(moment);
    await oneSells(first, second).catch((error: unknown) => {
      if (!server.isDead) throw error;
    });
    // It is not locked before all that waited in it is here.
    if (moment.includes('handed before'))
      expect((await journalOf(first)).filter(({ amountMinor }) => amountMinor === aloneMinor)).toHaveLength(2);
    // Who waits for a line that comes and goes waits longer each time: here somebody looks after it.
    if (/drained before|closed before/.test(moment)) {
      await agents.get(first)?.kill();
      powerOn(first);
    }
    // It has its place: somebody plugs it in.
    if (moment.includes('closed before')) powerOn(second);
    if (moment.includes('begun')) await begin(first, second).catch(() => undefined);
    else await advance(first, () => server.isDead);
    await server.died();
  }
  await startServer();
  await closed(first);
  await isInPlace(first, second, keysBefore);
}, 420_000);

test('the old unit may die at any write by which it delivers, is asked and answers; the new one when it is set up', async () => {
  const keysBefore = [(await dukptOf(second))?.kcv, (await dukptOf(third))?.kcv];
  await sellAlone(second);
  const dieOneByOne = async (serial: string, ...writes: readonly string[]): Promise<void> => {
    for (const write of writes)
      for (const when of ['before', 'after']) {
        await powerOn(serial, `file ${write} ${when}`).died();
        await oneSells(second, third);
      }
  };
  // It is counted as sent before it goes, and taken from the list when the switch has it.
  await dieOneByOne(second, 'advices.sealed 1', 'advices.sealed 2');
  await begin(second, third);
  // The order, its end and the acknowledgement are written down before each of them has an effect.
  await dieOneByOne(second, 'jobs.sealed 1', 'jobs.sealed 1', 'jobs.sealed 1');
  powerOn(second);
  await advance(second, async () => (await detail(third)).lifecycle === 'deployed');
  await dieOneByOne(third, 'configuration.sealed 1');
  powerOn(third);
  await closed(second);
  await isInPlace(second, third, keysBefore);
  await everySaleOnce(first, second, third);
}, 420_000);
