import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrations, openStore, type Store } from '@tsunagu/fleet-server/store/index';
import { houseIssuers } from '@tsunagu/protocols/acquiring';
import { type Job, type JobOfMany, type JobState, jobStates, parseJson } from '@tsunagu/protocols/fleet';
import { type Result, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { openClient } from 'tsunagu/client/index';
import { z } from 'zod';
import { startHouse } from '../e2e/house.ts';
import { Program } from '../e2e/switch-programs.ts';
import type { BenchReport } from './report.ts';

const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const world = systemWorld(() => undefined);
/** Orders in one request: it is answered within the patience of whoever asks, on a slow machine too. */
const bulk = 20;
/** How long anything is waited for that should come. */
const patienceMs = 900_000;

/** What the terminals themselves wrote of their jobs and sales: the log of their host, which nobody kills. */
const said = z.discriminatedUnion('event', [
  z.object({ event: z.literal('jobBegun'), job: z.string(), attempt: z.number(), type: z.string() }),
  z.object({ event: z.literal('jobFinished'), job: z.string(), attempt: z.number(), state: z.string() }),
  z.object({ event: z.literal('saleFinished'), serial: z.string(), outcome: z.string() }),
]);
type Said = z.infer<typeof said>;

function readSaid(folder: string): readonly Said[] {
  return readFileSync(join(folder, 'logs', 'bridge.log'), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const read = parseJson(said, line);
      return read.ok ? [read.value] : [];
    });
}

const openHouseStore = async (folder: string): Promise<Store> =>
  unwrap(await openStore(join(folder, 'server', 'store.sqlite'), migrations, world.clock));

/** What stands in the switch's journal, by terminal: sales less what was given back, minor units. */
async function standingByTerminal(folder: string): Promise<ReadonlyMap<string, { count: number; minor: number }>> {
  const store = await openHouseStore(folder);
  const rows = await store.db
    .selectFrom('switch_sales')
    .select(['serial', 'kind', 'amount_minor', 'state'])
    .where('state', 'in', ['approved', 'posting', 'posted'])
    .execute();
  const left = await store.db.selectFrom('switch_log').select('seq').execute();
  await store.close();
  if (left.length > 0) throw new Error('the switch ended in order, and left commits beside its tables');
  const standing = new Map<string, { count: number; minor: number }>();
  for (const { serial, kind, amount_minor } of rows) {
    if (kind !== 'sale') continue;
    const { count, minor } = standing.get(serial) ?? { count: 0, minor: 0 };
    standing.set(serial, { count: count + 1, minor: minor + amount_minor });
  }
  return standing;
}

/** How many jobs stand in which state, in the store of a server that does not run. */
async function jobsByState(folder: string): Promise<Readonly<Record<JobState, number>>> {
  const store = await openHouseStore(folder);
  const rows = await store.db.selectFrom('jobs').select('state').execute();
  await store.close();
  const counts = Object.fromEntries(jobStates.map((state) => [state, 0])) as Record<JobState, number>;
  for (const { state } of rows) counts[state] += 1;
  return counts;
}

/**
 * A house of emulated terminals at work: sales, jobs in every state, a change of the configuration, a campaign. The whole server process is killed in the middle and
 * started again. Whatever stood must stand afterwards: each job done once, each report taken, each sale in the terminal's books and in the switch's journal alike.
 *
 * `--terminals N` (300), `--sale-every-seconds N` (20), `--down N` seconds without a server (5), `--port-base N`
 */
export default async function run(): Promise<BenchReport> {
  const count = option('terminals', 300);
  const saleEverySeconds = option('sale-every-seconds', 20);
  const downMs = option('down', 5) * 1_000;
  const portBase = option('port-base', 23_200);
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-killed-'));
  const figures: Record<string, number> = {};
  const loads: number[] = [];
  const say = (text: string): void => {
    loads.push(loadavg()[0] ?? 0);
    console.error(`${new Date().toISOString().slice(11, 19)} ${text}, load ${loadavg()[0]?.toFixed(1)}`);
  };
  const programs: Program[] = [];
  const open = async (name: ConstructorParameters<typeof Program>[0], args: readonly string[]): Promise<Program> => {
    const program = new Program(name, args);
    programs.push(program);
    await program.line('ready');
    return program;
  };

  try {
    // Enrolled, keyed and listed as `npm start` does it; then each program by itself, so that one of them can be killed.
    const began = performance.now();
    const raised = await startHouse({
      data: folder,
      portBase,
      keep: true,
      args: ['--terminals', String(count), '--sale-every-seconds', '36000'],
      readyTimeoutMs: 120_000 + count * 3_000,
    });
    const tokenOf = async (name: string, role: string): Promise<string> => {
      const added = await raised.cli('people', 'add', name, '--role', role);
      const link = /http\S+/.exec(added.stdout)?.[0] ?? '';
      return (await raised.cli('people', 'sign-in', link)).stdout.trim();
    };
    const tokens = {
      operator: await tokenOf('killed-operator', 'operator'),
      admin: await tokenOf('killed-admin', 'admin'),
    };
    await raised.stop();
    figures['seconds until all are enrolled'] = (performance.now() - began) / 1_000;
    say(`${count} terminals are enrolled`);

    const common = ['--data', folder, '--port-base', String(portBase)];
    let server = await open('server', common);
    const links = houseIssuers.map(({ id }) => id);
    await open('issuer', [...common, '--seed', '1', '--link', ...links]);
    const bridgeArgs = (seconds: number): readonly string[] => [
      'fleet',
      '--data',
      join(folder, 'terminals'),
      '--seed',
      '1',
      '--sale-every-seconds',
      String(seconds),
    ];
    let bridge = await open('bridge', bridgeArgs(saleEverySeconds));
    const clientOf = (token: string) => openClient({ url: raised.url, token }, world);
    const [owner, operator, admin] = [raised.token, tokens.operator, tokens.admin].map(clientOf) as [
      ReturnType<typeof openClient>,
      ReturnType<typeof openClient>,
      ReturnType<typeof openClient>,
    ];
    /** Asks again while the server is away, or has too much to do. Orders that were asked for twice are two, and both have to be done. */
    async function asked<T>(ask: () => Promise<Result<T>>): Promise<T> {
      for (const end = performance.now() + patienceMs; ; await pause(250)) {
        const answer = await ask();
        if (answer.ok || performance.now() > end) return unwrap(answer);
        if (answer.fault.code !== 'SERVER_UNREACHABLE') say(`answered ${answer.fault.code}`);
      }
    }
    async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
      for (const end = performance.now() + patienceMs; !(await isSo()); await pause(500))
        if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    }
    const ready = async (): Promise<number> =>
      (await asked(() => owner.terminals())).filter(({ link }) => link.state === 'ready').length;
    await until('all to be there', async () => (await ready()) === count);
    const serials = (await asked(() => owner.terminals())).map(({ serial }) => serial);
    say('all are there, and sell');

    // Work of every kind.
    const order = async (who: readonly string[], what: JobOfMany): Promise<readonly string[]> => {
      const ids: string[] = [];
      for (let from = 0; from < who.length; from += bulk) {
        const { items } = await asked(() => operator.orderJobs(who.slice(from, from + bulk), what));
        for (const { job } of items) if (job) ids.push(job);
      }
      return ids;
    };
    const [first = '', second = ''] = serials;
    const later: Job[] = [];
    for (const serial of serials.slice(0, 5)) {
      const notBefore = new Date(Date.now() + 86_400_000).toISOString();
      const notAfter = new Date(Date.now() + 2 * 86_400_000).toISOString();
      later.push(
        await asked(() =>
          operator.orderJob(serial, { job: { type: 'terminal.diagnose', params: {} }, notBefore, notAfter }),
        ),
      );
    }
    const held = await asked(() => operator.orderJob(first, { job: { type: 'terminal.wipe', params: {} } }));
    await asked(() => operator.cancelJob(later[4]?.id ?? ''));
    const campaign = await asked(() =>
      operator.createCampaign({
        name: 'killed',
        target: 'enrolled',
        action: { kind: 'configuration', values: { floorLimitMinor: 1_500 } },
        gate: null,
      }),
    );
    await asked(() => admin.actOnCampaign(campaign.id, 'approve', ''));
    const place = (await asked(() => owner.terminals())).find(({ serial }) => serial === second)?.place;
    const merchant = { layer: 'merchant', merchant: place?.merchant ?? '' } as const;
    const { version } = await asked(() => operator.layer(merchant));
    await asked(() => operator.changeLayer(merchant, version, { receiptFooter: 'before the kill' }, 'killed'));
    const finished = (): number =>
      new Set(readSaid(folder).flatMap((one) => (one.event === 'jobFinished' ? [one.job] : []))).size;
    const before = finished();
    const orders = await Promise.all([
      order(serials, { type: 'log.pull', params: {} }),
      order(serials, { type: 'negative.fetch', params: {} }),
      order(
        serials.filter((_, index) => index % 5 === 0),
        { type: 'terminal.reboot', params: {} },
      ),
    ]);
    const ordered = orders.flat();
    say(`${ordered.length} jobs are ordered, a campaign runs, the configuration of a merchant was changed`);
    await until('a quarter to be done', () => Promise.resolve(finished() - before > ordered.length / 4));

    // The plug.
    await server.kill();
    const killedMs = performance.now();
    const atKill = readSaid(folder);
    for (const [state, jobs] of Object.entries(await jobsByState(folder))) figures[`jobs ${state} when killed`] = jobs;
    say('killed');
    await pause(downMs);
    const afterDown = readSaid(folder).slice(atKill.length);
    figures['reports that waited at terminals'] = afterDown.filter(({ event }) => event === 'jobFinished').length;
    figures['sales that ended while there was no server'] = afterDown.filter(
      ({ event }) => event === 'saleFinished',
    ).length;
    const againMs = performance.now();
    server = await open('server', common);
    figures['seconds until the server listens again, from its start'] = (performance.now() - againMs) / 1_000;
    const since = (): number => (performance.now() - killedMs) / 1_000;
    figures['seconds down'] = downMs / 1_000;
    await until('all to be back', async () => (await ready()) === count);
    figures['seconds from the kill until all terminals are back'] = since();
    say('all are back');
    const isOver = ({ state }: Job): boolean => !['held', 'queued', 'offered', 'running'].includes(state);
    const jobs = new Map<string, Job>();
    await until('all jobs to be over', async () => {
      for (const id of ordered) {
        if (jobs.has(id)) continue;
        const job = await asked(() => owner.job(id));
        if (!isOver(job)) return false;
        jobs.set(id, job);
      }
      return true;
    });
    figures['seconds from the kill until all jobs are over'] = since();
    await until('the campaign to be through', async () => {
      const { phase } = await asked(() => owner.campaign(campaign.id));
      return phase === 'completed' || phase === 'paused';
    });
    figures['seconds from the kill until the campaign is through'] = since();
    say('all work is done');

    // Nobody buys any more, and whatever waits at a terminal goes.
    bridge.signal('SIGTERM');
    await bridge.ended;
    bridge = await open('bridge', bridgeArgs(36_000));
    await until('all to be there', async () => (await ready()) === count);
    await pause(15_000);
    const totals = new Map<string, NonNullable<Job['totals']>>();
    let seen = '';
    await until('the books of the terminals to rest', async () => {
      for (const id of await order(serials, { type: 'payment.totals', params: { close: false } })) {
        let job = await asked(() => owner.job(id));
        for (; !isOver(job); job = await asked(() => owner.job(id))) await pause(200);
        if (job.totals) totals.set(job.serial, job.totals);
      }
      const last = seen;
      seen = JSON.stringify([...totals].map(([serial, { netMinor, waiting }]) => [serial, netMinor, waiting]));
      return totals.size === count && seen === last && [...totals.values()].every(({ waiting }) => waiting === 0);
    });

    const through = await asked(() => owner.campaign(campaign.id));
    const stillLater = await Promise.all(later.map(({ id }) => asked(() => owner.job(id))));
    const stillHeld = await asked(() => owner.job(held.id));
    const layer = await asked(() => operator.layer(merchant));
    server.signal('SIGTERM');
    await server.ended;

    const words = readSaid(folder);
    const done = words.flatMap((one) => (one.event === 'jobFinished' && one.state === 'succeeded' ? [one.job] : []));
    const begun = words.flatMap((one) =>
      one.event === 'jobBegun' && one.type !== 'terminal.reboot' ? [`${one.job} ${one.attempt}`] : [],
    );
    const standing = await standingByTerminal(folder);
    const other = serials.filter((serial) => {
      const own = totals.get(serial);
      const sold = (own?.lines ?? []).reduce((sum, line) => sum + line.count, 0);
      const { count: there, minor } = standing.get(serial) ?? { count: 0, minor: 0 };
      if (sold === there && own?.netMinor === minor) return false;
      console.error(`${serial}: ${sold} sales, ${own?.netMinor} at the terminal; ${there}, ${minor} in the journal`);
      return true;
    });
    const states = [...jobs.values()].map(({ state }) => state);
    const took = new Set(done);
    figures['jobs ordered'] = ordered.length;
    figures['jobs done'] = states.filter((state) => state === 'succeeded').length;
    const limits: Record<string, number> = {};
    const none = (what: string, found: number): void => {
      figures[what] = found;
      limits[what] = 0;
    };
    none('terminals that did not come back', count - totals.size);
    none('jobs that ended otherwise than well', states.filter((state) => state !== 'succeeded').length);
    none('jobs whose effect came twice', done.length - took.size);
    none('attempts that were begun twice', begun.length - new Set(begun).size);
    none(
      'reports lost: done at the terminal, otherwise at the server',
      [...jobs.values()].filter(({ id, state }) => (state === 'succeeded') !== took.has(id)).length,
    );
    none(
      'jobs for later or held that were touched',
      [
        stillHeld.state !== 'held',
        ...stillLater.map(({ state }, index) => state !== (index === 4 ? 'cancelled' : 'queued')),
      ].filter(Boolean).length,
    );
    none('terminals that the campaign did not change', through.terminals.cohort - through.terminals.done);
    none('changes of the configuration lost', layer.version === version + 1 ? 0 : 1);
    figures['sales that stand'] = [...standing.values()].reduce((sum, one) => sum + one.count, 0);
    none('terminals whose sales are other than in the journal', other.length);
    none(
      'advices that the switch refused',
      [...totals.values()].reduce((sum, { refused }) => sum + refused.length, 0),
    );
    figures['load average of the machine, least'] = Math.min(...loads);
    figures['load average of the machine, most'] = Math.max(...loads);
    return {
      name: `A house of ${count} emulated terminals at work, its server killed in the middle`,
      figures,
      ratios: {},
      limits,
      peers: {
        terminals: `the agents of the emulated fleet in a process of their own, a sale each ${saleEverySeconds} s each; what they say of themselves is believed, not what the server says of them`,
      },
    };
  } finally {
    for (const program of programs.toReversed()) await program.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}
