import { Postgres } from '../contracts/postgres.ts';
import { openSwitchHouse, Program } from '../e2e/switch-programs.ts';
import type { BenchReport } from './report.ts';

const portBase = 31_600;
const rate = Number(process.env['TSUNAGU_BENCH_RATE'] ?? 40);
const rounds = Number(process.env['TSUNAGU_BENCH_ROUNDS'] ?? 3);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Two nodes of the switch over PostgreSQL that has a synchronous copy and one far away that is not waited for: how long a killed node is missed, and what the
 * far copy lacks when all else is gone at once.
 */
export default async function run(): Promise<BenchReport> {
  const closers: (() => Promise<unknown>)[] = [];
  const closing = <T>(program: T, close: () => Promise<unknown>): T => {
    closers.push(close);
    return program;
  };
  try {
    const first = await Postgres.start(portBase + 91);
    closing(first, () => first.stop());
    const near = await first.copy('near', portBase + 92);
    closing(near, () => near.stop());
    const far = await first.copy('far', portBase + 93);
    closing(far, () => far.stop());
    first.configure(["synchronous_standby_names = 'near'"]);
    const store = ['--switch-store', first.url(), near.url()];
    const house = await openSwitchHouse(portBase, [...store, '--node', 'one']);
    closing(house, () => house.close());
    const oracle = new Program('oracle', []);
    closing(oracle, () => oracle.kill());
    const tap = ['--tap', String((await oracle.line('ready'))['port'])];
    const issuer = new Program('issuer', [...house.common, '--profile', 'load', ...tap]);
    closing(issuer, () => issuer.kill());
    await issuer.line('ready');
    const line = ['--link', 'pos-centre-1', '--profile', 'load', '--rate', String(rate)];
    const centre = new Program('centre', [...house.common, ...line, ...tap]);
    closing(centre, () => centre.kill());
    await centre.line('ready');

    let working = house.server;
    const missedMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const next = new Program('server', [...house.common, ...store, '--node', `after-${round}`]);
      closing(next, () => next.kill());
      await next.line('standby');
      await pause(4_000);
      const killedMs = performance.now();
      await working.kill();
      await next.line('ready');
      missedMs.push(performance.now() - killedMs);
      working = next;
    }
    await pause(4_000);
    const lag = first.sql(
      "SELECT coalesce(extract(epoch FROM flush_lag) * 1000, 0), pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn) FROM pg_stat_replication WHERE application_name = 'far'",
    );
    // The first place is gone, node and server. The near copy is only asked what was durable there: all that anybody was told.
    await Promise.all([working.kill(), first.cut()]);
    oracle.say('');
    const verdict = (await oracle.line('verdict')) as { readonly acquirer: { readonly approved: number } };
    const [durable, kept] = [near, far].map((copy) => {
      copy.promote();
      return Number(copy.sql("SELECT count(*) FROM switch_postings WHERE side = 'acquirer' AND kind = 'taken'"));
    }) as [number, number];
    const [lagMs = 0, lagBytes = 0] = lag.split('|').map(Number);
    const longestMs = Math.max(...missedMs);
    return {
      name: `two nodes of the switch over PostgreSQL, ${rate} sales a second, ${rounds} nodes killed, then the whole first place`,
      figures: {
        'killed until the next listens, median ms':
          missedMs.toSorted((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN,
        'killed until the next listens, longest ms': longestMs,
        'approvals that merchants were told': verdict.acquirer.approved,
        'approvals on the near copy when the first place was gone': durable,
        'approvals on the far copy': kept,
        'lost to the far copy: approvals': durable - kept,
        'the far copy behind shortly before, ms': lagMs,
        'the far copy behind shortly before, bytes': lagBytes,
      },
      ratios: { 'five seconds / the longest': 5_000 / longestMs },
      goals: { 'five seconds / the longest': 1 },
      peers: {},
    };
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}
