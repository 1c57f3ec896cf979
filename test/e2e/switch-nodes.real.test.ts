import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { Postgres } from '../contracts/postgres.ts';
import { freePortBase } from './house.ts';
import { openSwitchHouse, Program } from './switch-programs.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A server whose every commit is on its copy, too, before it is one. */
async function pairOfServers(portBase: number): Promise<{ readonly first: Postgres; readonly copy: Postgres }> {
  const first = await Postgres.start(portBase + 91);
  closers.push(() => first.stop());
  const copy = await first.copy('near', portBase + 92);
  closers.push(() => copy.stop());
  first.configure(["synchronous_standby_names = 'near'"]);
  return { first, copy };
}

/** Waits until an oracle that saw the messages of both sides has nothing to object to, and gives back its last word. */
async function verdictOf(oracle: Program): Promise<Record<string, unknown>> {
  let verdict: Record<string, unknown> = {};
  for (let look = 0; look < 60; look += 1) {
    oracle.say('');
    verdict = await oracle.line('verdict');
    if (verdict['violated'] === 0) break;
    await pause(1_000);
  }
  return verdict;
}

/** Nothing of what went over both sides is at odds, and nothing was posted twice. */
async function expectSoundMoney(oracle: Program, store: Postgres, told: object): Promise<void> {
  const verdict = await verdictOf(oracle);
  console.log(JSON.stringify({ ...told, verdict }));
  expect(verdict['violations']).toEqual([]);
  const twice =
    'SELECT count(*) FROM (SELECT 1 FROM switch_postings GROUP BY sale_id, side, kind HAVING count(*) > 1) AS twice';
  expect(store.sql(twice)).toBe('0');
}

test('a node killed under load is followed by the one that stands by, and the money is the same on both sides', async () => {
  const portBase = await freePortBase();
  const { first, copy } = await pairOfServers(portBase);
  const store = ['--switch-store', first.url(), copy.url()];
  const house = await openSwitchHouse(portBase, [...store, '--node', 'one']);
  closers.push(() => house.close());
  const second = new Program('server', [...house.common, ...store, '--node', 'two']);
  closers.push(() => second.kill());
  await second.line('standby');
  const oracle = new Program('oracle', []);
  closers.push(() => oracle.kill());
  const tap = ['--tap', String((await oracle.line('ready'))['port'])];
  const issuer = new Program('issuer', [...house.common, '--profile', 'card-company', '--seed', '7', ...tap]);
  closers.push(() => issuer.kill());
  await issuer.line('ready');
  const line = ['--link', 'pos-centre-1', '--profile', 'ticket-window', '--rate', '40', '--requests', '600'];
  const centre = new Program('centre', [...house.common, ...line, '--seed', '11', ...tap]);
  closers.push(() => centre.kill());
  await centre.line('ready');
  await pause(4_000);
  const killedMs = performance.now();
  await house.server.kill();
  await second.line('ready');
  const followedMs = performance.now() - killedMs;
  const counts = await centre.line('ended');
  expect(counts).toMatchObject({ asked: 600, reversing: 0 });
  await expectSoundMoney(oracle, first, { followedMs, counts });
}, 180_000);

/** What follows the node at work for whoever dials in: a virtual address. What went through it before stays with whom it was with. */
async function openAddress(
  port: number,
  first: number,
): Promise<{ follow(next: number): void; close(): Promise<void> }> {
  let target = first;
  const clients = new Set<Socket>();
  const all = new Set<Socket>();
  const server = createServer((client) => {
    const far = connect(target, '127.0.0.1');
    clients.add(client);
    for (const socket of [client, far]) {
      all.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        all.delete(socket);
        clients.delete(socket);
      });
    }
    client.on('close', () => far.end());
    far.on('close', () => client.destroy());
    client.pipe(far, { end: false });
    far.pipe(client);
  });
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  return {
    follow(next) {
      target = next;
      for (const client of clients) client.destroy();
    },
    async close() {
      for (const socket of all) socket.destroy();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

test('a node stopped under load is followed, and when it wakes it says and keeps nothing more, and ends itself', async () => {
  const [base, otherBase] = [await freePortBase(), await freePortBase()];
  const { first, copy } = await pairOfServers(base);
  const store = ['--switch-store', first.url(), copy.url()];
  const issuerPort = base + 7;
  const house = await openSwitchHouse(base, [...store, '--node', 'one']);
  closers.push(() => house.close());
  // Another machine: what it has of the house is a copy, its ports are its own, the card company is where it was.
  const folder = await mkdtemp(join(tmpdir(), 'tsunagu-switch-'));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  // Its files are of one moment: nobody writes them meanwhile, and nobody follows it yet.
  house.server.signal('SIGSTOP');
  await cp(house.folder, folder, { recursive: true });
  house.server.signal('SIGCONT');
  const issuerAddress = await openAddress(otherBase + 7, issuerPort);
  closers.push(() => issuerAddress.close());
  const there = ['--data', folder, '--port-base', String(otherBase)];
  const second = new Program('server', [...there, ...store, '--node', 'two']);
  closers.push(() => second.kill());
  await second.line('standby');
  const oracle = new Program('oracle', []);
  closers.push(() => oracle.kill());
  const tap = ['--tap', String((await oracle.line('ready'))['port'])];
  const issuer = new Program('issuer', [...house.common, '--profile', 'card-company', '--seed', '7', ...tap]);
  closers.push(() => issuer.kill());
  await issuer.line('ready');
  const centresPort = base + 90;
  const address = await openAddress(centresPort, base + 8);
  closers.push(() => address.close());
  const line = ['--link', 'pos-centre-1', '--profile', 'ticket-window', '--rate', '40', '--requests', '1600'];
  const dialled = ['--port', String(centresPort)];
  const centre = new Program('centre', [...house.common, ...dialled, ...line, '--seed', '13', ...tap]);
  closers.push(() => centre.kill());
  await centre.line('ready');
  await pause(4_000);

  const epochs = 'SELECT max(epoch) FROM switch_epochs';
  const epochBefore = Number(first.sql(epochs));
  const stoppedMs = performance.now();
  house.server.signal('SIGSTOP');
  // What it was asked while it stood still is in its sockets, and waits for it to wake.
  await pause(1_500);
  await second.line('ready');
  const followedMs = performance.now() - stoppedMs;
  address.follow(otherBase + 8);
  expect(Number(first.sql(epochs))).toBeGreaterThan(epochBefore);
  await pause(4_000);
  const sold = (): number => Number(first.sql("SELECT count(*) FROM switch_sales WHERE state = 'approved'"));
  const soldBefore = sold();
  house.server.signal('SIGCONT');
  // Deposed: it ends by itself, while the other one goes on.
  expect(await house.server.line('failed')).toMatchObject({ code: 'SWITCH_FENCED', facts: { why: 'deposed' } });
  await house.server.ended;
  while (sold() <= soldBefore) await pause(200);
  const counts = await centre.line('ended');
  expect(counts).toMatchObject({ asked: 1_600, reversing: 0 });
  await expectSoundMoney(oracle, first, { followedMs, counts });
}, 180_000);

const tsunagu = fileURLToPath(new URL('../../cli/bin/tsunagu.js', import.meta.url));

test('two nodes that stand in for one issuer after one another never give away more than the limit, whoever has the share', async () => {
  const portBase = await freePortBase();
  const { first, copy } = await pairOfServers(portBase);
  const store = ['--switch-store', first.url(), copy.url()];
  const house = await openSwitchHouse(portBase, [...store, '--node', 'one']);
  closers.push(() => house.close());
  const second = new Program('server', [...house.common, ...store, '--node', 'two']);
  closers.push(() => second.kill());
  await second.line('standby');
  /** Rules as a person changes them. */
  const share = async (shares: Readonly<Record<string, number>>): Promise<void> => {
    const path = join(house.folder, 'stand-in.json');
    const issuer = {
      link: 'card-company-1',
      when: ['down'],
      entries: ['stripe'],
      saleMaxMinor: 1_000,
      cardDay: { minor: 10_000, count: 100 },
      issuerDayMinor: 1_000_000,
      shares,
    };
    await writeFile(path, JSON.stringify({ issuers: [issuer] }));
    const change = ['switch', 'rules', 'set', 'stand-in', path, '--reason', 'planned stop'];
    await promisify(execFile)(process.execPath, [tsunagu, '--data', house.folder, ...change]);
  };
  const profile = join(house.folder, 'one-card.json');
  await writeFile(
    profile,
    JSON.stringify({
      name: 'one-card',
      ratePerSecond: 50,
      cards: { names: ['visa-contactless'] },
      amountMinor: { least: 900, most: 900 },
    }),
  );
  /** Twenty sales on one card, one after another or together. */
  const sell = async (seed: string): Promise<Record<string, unknown>> => {
    const line = ['--link', 'pos-centre-1', '--profile', profile, '--requests', '20', '--seed', seed];
    const centre = new Program('centre', [...house.common, ...line]);
    closers.push(() => centre.kill());
    return await centre.line('ended');
  };
  await share({ one: 0.5, two: 0.5 });
  expect(await sell('1')).toMatchObject({ approved: 5 });
  await house.server.kill();
  await second.line('ready');
  expect(await sell('2')).toMatchObject({ approved: 5 });
  // The other one is gone for the day: what it left of its half is little, and the rest of the limit is used.
  await share({ two: 1 });
  expect(await sell('3')).toMatchObject({ approved: 1 });
  expect(first.sql('SELECT sum(amount_minor) FROM switch_stand_in')).toBe('9900');
}, 180_000);
