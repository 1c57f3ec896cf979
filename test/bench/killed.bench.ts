import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { houseIssuers } from '@tsunagu/protocols/acquiring';
import { modelOf } from '@tsunagu/protocols/catalogue';
import {
  type Job,
  type JobOfMany,
  jobStates,
  lackedFor,
  settingNames,
  type SettingValue,
} from '@tsunagu/protocols/fleet';
import { type Result, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { openClient } from 'tsunagu/client/index';
import { startHouse } from '../e2e/house.ts';
import { Program } from '../e2e/switch-programs.ts';
import { judge, type KilledRecord } from './killed/judge.ts';
import { readBooks, readSaid, readStore } from './killed/read.ts';
import type { BenchReport } from './report.ts';

const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const world = systemWorld(() => undefined);
/** Orders in one request: it is answered within the patience of whoever asks, on a slow machine too. */
const bulk = 20;
/** What the campaign sets. */
const floorLimitMinor = 1_500;
/** How long anything is waited for that should come. */
const patienceMs = 900_000;

/**
 * A house of emulated terminals at work: sales, jobs in every state, changes of the configuration, a campaign. The whole server process is killed in the middle of
 * that, again and again, and started again. Whatever stood must stand afterwards: the claims are in `killed/judge.ts`, and what was planted to see them bite is in
 * `killed/README.md`.
 *
 * `--terminals N` (60), `--kills N` (3), `--sale-every-seconds N` (20), `--down N` seconds without a server (5), `--port-base N`
 */
export default async function run(): Promise<BenchReport> {
  const count = option('terminals', 60);
  const kills = option('kills', 3);
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
        action: { kind: 'configuration', values: { floorLimitMinor } },
        gate: null,
      }),
    );
    await asked(() => admin.actOnCampaign(campaign.id, 'approve', ''));
    const place = (await asked(() => owner.terminals())).find(({ serial }) => serial === second)?.place;
    const merchant = { layer: 'merchant', merchant: place?.merchant ?? '' } as const;
    const finished = (): number =>
      new Set(readSaid(folder).flatMap((one) => (one.event === 'jobFinished' ? [one.job] : []))).size;
    const ordered: string[] = [];
    const sum = (figure: string, more: number): void => {
      figures[figure] = (figures[figure] ?? 0) + more;
    };
    const most = (figure: string, one: number): void => {
      figures[figure] = Math.max(figures[figure] ?? 0, one);
    };
    let footer = '';
    for (let round = 1; round <= kills; round += 1) {
      const before = finished();
      const orders = await Promise.all([
        order(serials, { type: 'log.pull', params: {} }),
        order(serials, { type: 'negative.fetch', params: {} }),
        order(
          serials.filter((_, index) => index % 5 === round % 5),
          { type: 'terminal.reboot', params: {} },
        ),
      ]);
      ordered.push(...orders.flat());
      const wanted = orders.flat().length;
      await until('a part to be done', () => Promise.resolve(finished() - before > (wanted * round) / (kills + 2)));
      // What was answered stands: the plug is pulled right behind the answer.
      const { version } = await asked(() => operator.layer(merchant));
      footer = `before kill ${round}`;
      await asked(() => operator.changeLayer(merchant, version, { receiptFooter: footer }, 'killed'));

      await server.kill();
      const killedMs = performance.now();
      const atKill = readSaid(folder);
      const states = [...(await readStore(folder, world, false)).jobs.values()];
      for (const state of jobStates)
        most(`jobs ${state} when killed, most`, states.filter((one) => one === state).length);
      say(`killed, ${round} of ${kills}`);
      await pause(downMs);
      const afterDown = readSaid(folder).slice(atKill.length);
      sum('reports that waited at terminals', afterDown.filter(({ event }) => event === 'jobFinished').length);
      sum(
        'sales that ended while there was no server',
        afterDown.filter(({ event }) => event === 'saleFinished').length,
      );
      const againMs = performance.now();
      server = await open('server', common);
      most('seconds until the server listens again, from its start, most', (performance.now() - againMs) / 1_000);
      await until('all to be back', async () => (await ready()) === count);
      most('seconds from the kill until all terminals are back, most', (performance.now() - killedMs) / 1_000);
      say('all are back');
    }
    const lastMs = performance.now();
    const isOver = ({ state }: Pick<Job, 'state'>): boolean =>
      !['held', 'queued', 'offered', 'running'].includes(state);
    const over = new Set<string>();
    await until('all jobs to be over', async () => {
      for (const id of ordered) {
        if (over.has(id)) continue;
        const job = await owner.job(id);
        // One that is gone is never over: the judge tells of it.
        if (!job.ok && job.fault.code !== 'JOB_UNKNOWN') return false;
        if (job.ok && !isOver(job.value)) return false;
        over.add(id);
      }
      return true;
    });
    await until('the campaign to be through', async () => {
      const { phase } = await asked(() => owner.campaign(campaign.id));
      return phase === 'completed' || phase === 'paused';
    });
    figures['seconds from the last return until all work is done'] = (performance.now() - lastMs) / 1_000;
    say('all work is done');

    // Nobody buys any more, and whatever waits at a terminal goes.
    bridge.signal('SIGTERM');
    await bridge.ended;
    bridge = await open('bridge', bridgeArgs(86_400));
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

    const { phase, terminals: through } = await asked(() => owner.campaign(campaign.id));
    const estate = await asked(() => owner.terminals());
    server.signal('SIGTERM');
    await server.ended;

    const store = await readStore(folder, world, true);
    const record: KilledRecord = {
      serials,
      said: readSaid(folder),
      ordered,
      jobs: store.jobs,
      untouched: new Map([
        [held.id, 'held'] as const,
        ...later.map(({ id }, index) => [id, index === 4 ? 'cancelled' : 'queued'] as const),
      ]),
      campaign: { phase, cohort: through.cohort, done: through.done },
      configurations: new Map(
        estate.map(({ serial, model, place: at }) => {
          const made: Readonly<Record<string, SettingValue>> = {
            floorLimitMinor,
            ...(at?.merchant === place?.merchant && { receiptFooter: footer }),
          };
          const can = modelOf(model);
          const wanted = settingNames.filter(
            (name) => made[name] !== undefined && can !== undefined && lackedFor(name, can) === undefined,
          );
          const reported = store.reported.get(serial) ?? {};
          const shown = (of: Readonly<Record<string, unknown>>): string =>
            wanted.map((name) => `${name}=${JSON.stringify(of[name])}`).join(' ');
          return [serial, { wanted: shown(made), reported: shown(reported) }];
        }),
      ),
      totals: new Map(
        [...totals].map(([serial, { lines, netMinor, refused }]) => [
          serial,
          { count: lines.reduce((all, line) => all + line.count, 0), minor: netMinor, refused: refused.length },
        ]),
      ),
      journal: store.journal,
      books: readBooks(folder, links),
      told: store.told,
    };
    const limits: Record<string, number> = {};
    for (const [claim, wrong] of Object.entries(judge(record))) {
      for (const what of wrong) console.error(`${claim}: ${what}`);
      figures[claim] = wrong.length;
      limits[claim] = 0;
    }
    figures['jobs ordered'] = ordered.length;
    figures['sales that stand'] = record.journal.length;
    figures['entries in the books of the card companies that stand'] = record.books.length;
    figures['sales that the terminals ended by themselves'] = [...record.told.values()].reduce(
      (all, one) => all + one,
      0,
    );
    figures['load average of the machine, least'] = Math.min(...loads);
    figures['load average of the machine, most'] = Math.max(...loads);
    return {
      name: `A house of ${count} emulated terminals at work, its server killed ${kills} times in the middle`,
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
