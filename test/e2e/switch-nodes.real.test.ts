import { afterEach, expect, test } from 'vitest';
import { Postgres } from '../contracts/postgres.ts';
import { openSwitchHouse, Program } from './switch-programs.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const portBase = 31_300;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A server whose every commit is on its copy, too, before it is one. */
async function pairOfServers(): Promise<{ readonly first: Postgres; readonly copy: Postgres }> {
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

test('a node killed under load is followed by the one that stands by, and the money is the same on both sides', async () => {
  const { first, copy } = await pairOfServers();
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
  const verdict = await verdictOf(oracle);
  console.log(JSON.stringify({ followedMs, counts, verdict }));
  expect(counts).toMatchObject({ asked: 600, reversing: 0 });
  expect(verdict['violations']).toEqual([]);
  const twice =
    'SELECT count(*) FROM (SELECT 1 FROM switch_postings GROUP BY sale_id, side, kind HAVING count(*) > 1) AS twice';
  expect(first.sql(twice)).toBe('0');
}, 180_000);
