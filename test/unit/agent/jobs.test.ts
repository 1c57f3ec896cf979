import { type JobHandlers, jobRunner, openLedger, readOrder } from '@tsunagu/firmware-bridge/jobs/index';
import type { Link } from '@tsunagu/firmware-bridge/link/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { jobIdSchema, type JobReport, type Response, type SignedDocument } from '@tsunagu/protocols/fleet';
import { fail, ok, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { MemoryFiles } from './memory-files.ts';
import { serial, tenant, TinyServer } from './tiny-server.ts';

const world = systemWorld(() => undefined);
const server = new TinyServer();
const { jobSigner } = server;
const trust = { tenant, serial, jobKey: { kid: jobSigner.kid, publicKey: jobSigner.publicKey } };
const job = '00000000-0000-4000-8000-000000000001';
const sale = { type: 'sale.test', params: { amountMinor: 1_280, card: 'visa-contact' } };
const keyLoad = { type: 'key.load', params: { slot: 'negative', keyBlock: `D${'0'.repeat(40)}`, kcv: '0123456789' } };

test.each([
  ['another key', server.order({ job, ...sale }, { ...server.strangeSigner, kid: jobSigner.kid }), 'SIGNATURE_INVALID'],
  ['a key that is not pinned', server.order({ job, ...sale }, server.strangeSigner), 'SIGNATURE_INVALID'],
  [
    'a changed payload',
    { ...server.order({ job, ...sale }), payload: server.order({ job, ...sale, attempt: 2 }).payload },
    'SIGNATURE_INVALID',
  ],
  ['another serial', server.order({ job, ...sale, serial: 'CT5100-0002' }), 'JOB_NOT_FOR_THIS_TERMINAL'],
  ['another tenant', server.order({ job, ...sale, tenant: 'other' }), 'JOB_NOT_FOR_THIS_TERMINAL'],
  ['no job id', server.order({ ...sale }), 'JOB_ORDER_INVALID'],
])('refuses an order of %s', (_, document: SignedDocument, code) => {
  expect(readOrder(document, trust, Date.now())).toMatchObject({ fault: { code } });
});

test('an order that is too late or of an unknown kind is genuine, and has no effect', () => {
  const late = unwrap(readOrder(server.order({ job, ...sale, exp: 5 }), trust, 6));
  expect(late.body).toMatchObject({ fault: { code: 'JOB_EXPIRED' } });
  const unknown = unwrap(readOrder(server.order({ job, type: 'terminal.explode', params: {} }), trust, 6));
  expect(unknown.body).toMatchObject({ fault: { code: 'JOB_ORDER_INVALID' } });
});

/** A server that offers orders until they are reported finally, and a link that can lose what is said. */
class ScriptedLink implements Pick<Link, 'isUp' | 'publish' | 'ask'> {
  isUp = true;
  readonly reports: JobReport[] = [];
  readonly live: JobReport[] = [];
  losses = 0;
  offers: SignedDocument[];
  readonly #keepsOffering: boolean;

  constructor(offers: SignedDocument[], keepsOffering = false) {
    this.offers = offers;
    this.#keepsOffering = keepsOffering;
  }

  publish: Link['publish'] = async (_topic, _ct, body) => {
    this.live.push(body as JobReport);
    return ok(undefined);
  };

  ask: Link['ask'] = async (topic, _ct, body) => {
    if (topic.kind === 'pull') return ok({ kind: 'job', order: this.offers[0] ?? null } satisfies Response);
    if (this.losses-- > 0) return fail('ANSWER_TIMED_OUT');
    this.reports.push(body as JobReport);
    if (!this.#keepsOffering || this.reports.length > 3) this.offers = this.offers.slice(1);
    return ok({ kind: 'acknowledged', job, state: 'succeeded' } satisfies Response);
  };
}

const saleOf = () => ({
  outcome: 'approved' as const,
  amountMinor: 1_280,
  currency: '392',
  card: 'visa-contact',
  scheme: 'visa',
  entry: 'contact' as const,
  lastFour: '0010',
  stan: '000001',
  durationMs: 1,
});

const failing = async () => ({ state: 'failed' as const, fault: 'SALE_FAILED' });

function counting(effects: string[]): JobHandlers {
  return {
    'configuration.apply': failing,
    'certificate.renew': failing,
    'negative.fetch': failing,
    'terminal.wipe': failing,
    'terminal.diagnose': failing,
    'terminal.test': failing,
    'terminal.reboot': failing,
    'log.pull': failing,
    'payment.run': failing,
    'payment.totals': failing,
    'trace.show': failing,
    'slip.print': failing,
    'key.erase': failing,
    'key.bind': failing,
    'key.receive': failing,
    'key.unbind': failing,
    'key.rebind': failing,
    'key.release': failing,
    'key.load': async () => {
      effects.push('key');
      return { state: 'succeeded', evidence: { slot: 'negative', kcv: '0123456789' } };
    },
    'sale.test': async (_, { progress }) => {
      progress('card-presented', 1);
      effects.push('sale');
      return { state: 'succeeded', sale: saleOf() };
    },
    'software.install': async () => 'restarting',
  };
}

const whenIdle = <T>(work: () => Promise<T>): Promise<T> => work();
const parts = { world, boot: 1, trust, whenIdle, changed: () => undefined };

async function runnerOn(files: MemoryFiles, link: ScriptedLink, effects: string[]) {
  const store = unwrap(await openSealedStore(files, world));
  const ledger = unwrap(await openLedger(store, world.clock));
  const runner = jobRunner({ ...parts, ledger, link, handlers: counting(effects) });
  return { runner, ledger };
}

test('an order that is offered again and again has one effect and the same result each time', async () => {
  const effects: string[] = [];
  const link = new ScriptedLink([server.order({ job, ...sale })], true);
  const { runner } = await runnerOn(new MemoryFiles(), link, effects);
  runner.wake();
  await runner.idle();
  expect(effects).toEqual(['sale']);
  expect(link.reports.length).toBeGreaterThan(3);
  expect(new Set(link.reports.map((report) => JSON.stringify(report))).size).toBe(1);
  expect(link.live.map(({ state, progress }) => progress?.step ?? state)).toEqual(['running', 'card-presented']);
});

test('a further attempt of the same job is made, and the report of the one before it is not told for it', async () => {
  const effects: string[] = [];
  const attempts = [server.order({ job, ...sale }), server.order({ job, ...sale, attempt: 2 })];
  const link = new ScriptedLink(attempts);
  const { runner } = await runnerOn(new MemoryFiles(), link, effects);
  runner.wake();
  await runner.idle();
  expect(link.reports.map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(effects).toEqual(['sale', 'sale']);
});

test('a result that the server did not get is told after a restart, and the effect is not made again', async () => {
  const effects: string[] = [];
  const files = new MemoryFiles();
  const deaf = new ScriptedLink([server.order({ job, ...sale })]);
  deaf.losses = 1_000;
  const first = await runnerOn(files, deaf, effects);
  first.runner.wake();
  await first.runner.idle();
  first.runner.stop();
  expect(deaf.reports).toEqual([]);

  const link = new ScriptedLink([server.order({ job, ...sale })]);
  const second = await runnerOn(files.afterPowerLoss(false), link, effects);
  second.runner.recover();
  second.runner.wake();
  await second.runner.idle();
  expect(effects).toEqual(['sale']);
  expect(link.reports).toEqual([{ attempt: 1, state: 'succeeded', sale: saleOf() }]);
});

test.each([
  ['a sale', sale, 'sale', 1],
  ['a key', keyLoad, 'key', 2],
] as const)(
  'whichever write the power fails at, %s ends in one report and no second sale',
  async (_, body, effect, effectsMax) => {
    for (let failAt = 1; failAt <= 14; failAt++)
      for (const keepUnsynced of [false, true]) {
        const effects: string[] = [];
        const empty = new MemoryFiles();
        unwrap(await openSealedStore(empty, world));
        const files = empty.afterPowerLoss(true, failAt);
        const order = server.order({ job, ...body });
        const before = new ScriptedLink([order]);
        const first = await runnerOn(files, before, effects).catch(() => undefined);
        first?.runner.wake();
        await first?.runner.idle();
        first?.runner.stop();

        const after = new ScriptedLink([...before.offers]);
        const second = await runnerOn(files.afterPowerLoss(keepUnsynced), after, effects);
        second.runner.recover();
        second.runner.wake();
        await second.runner.idle();
        second.runner.stop();
        const label = `change ${failAt}, unsynced ${keepUnsynced ? 'kept' : 'lost'}`;
        expect(effects.length, label).toBeLessThanOrEqual(effectsMax);
        expect(effects.every((one) => one === effect)).toBe(true);
        const final = [...before.reports, ...after.reports];
        expect(final.length, label).toBeGreaterThan(0);
        // A second report may repeat the first one's verdict, never change a success into something else.
        if (before.reports.length > 0) expect(new Set(final.map(({ state }) => state)).size, label).toBe(1);
        if (effects.length === 0)
          expect(
            final.every(({ state }) => state === 'failed'),
            label,
          ).toBe(true);
        expect(after.offers).toEqual([]);
      }
  },
);

test('an expired order is reported as failed, so that the server can close it', async () => {
  const effects: string[] = [];
  const link = new ScriptedLink([server.order({ job, ...sale, exp: 1 })]);
  const { runner } = await runnerOn(new MemoryFiles(), link, effects);
  runner.wake();
  await runner.idle();
  expect(effects).toEqual([]);
  expect(link.reports).toEqual([{ attempt: 1, state: 'failed', fault: 'JOB_EXPIRED' }]);
});

test('a full ledger takes no new order and loses no old result', async () => {
  const store = unwrap(await openSealedStore(new MemoryFiles(), world));
  const ledger = unwrap(await openLedger(store, world.clock));
  const at = (index: number, exp = world.clock.now() + 3_600_000) => ({
    job: jobIdSchema.parse(`00000000-0000-4000-8000-${String(index).padStart(12, '0')}`),
    attempt: 1,
    exp,
  });
  const body = { type: 'sale.test' as const, params: sale.params };
  let begun = 0;
  while ((await ledger.begin(at(begun), body, 1)).ok) begun += 1;
  expect(begun).toBe(32);
  const end = async (index: number, exp?: number) => {
    unwrap(await ledger.finish(at(index, exp), { attempt: 1, state: 'succeeded' }));
    unwrap(await ledger.acknowledge(at(index).job, 1));
  };
  for (let index = 0; index < begun; index++) await end(index);
  expect((await ledger.begin(at(99), body, 1)).ok).toBe(true);
  expect(unwrap(await openLedger(store, world.clock)).find(at(0).job, 1)).toMatchObject({ state: 'acknowledged' });

  // So many later that its report is forgotten: while its order is good, its number is not, and it is not run again.
  for (let index = 100; index < 150; index++) await end(index);
  expect(unwrap(await openLedger(store, world.clock)).find(at(0).job, 1)).toBe('seen');
  const link = new ScriptedLink([server.order({ job: at(0).job, ...sale })]);
  const effects: string[] = [];
  const runner = jobRunner({ ...parts, ledger, link, handlers: counting(effects) });
  runner.wake();
  await runner.idle();
  expect(effects).toEqual([]);
});

test.each([
  ['that never came', false],
  ['that comes after it was taken back', true],
])('an order %s is answered as cancelled, and has no effect then or later', async (_, isLate) => {
  const files = new MemoryFiles();
  const cancel = { job, cancel: true, exp: undefined };
  const link = new ScriptedLink([server.order(cancel), ...(isLate ? [server.order({ job, ...sale })] : [])]);
  const effects: string[] = [];
  const { runner } = await runnerOn(files, link, effects);
  runner.wake();
  await runner.idle();
  expect(effects).toEqual([]);
  expect(new Set(link.reports.map(({ state }) => state))).toEqual(new Set(['cancelled']));
});

test('a job that runs hears that it is taken back, and ends without its effect', async () => {
  const link = new ScriptedLink([server.order({ job, type: 'log.pull', params: {} })]);
  const store = unwrap(await openSealedStore(new MemoryFiles(), world));
  const ledger = unwrap(await openLedger(store, world.clock));
  const effects: string[] = [];
  let begun: () => void = () => undefined;
  const isBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const handlers: JobHandlers = {
    ...counting(effects),
    'log.pull': (_, { takenBack }) =>
      new Promise((resolve) => {
        takenBack.addEventListener('abort', () => resolve({ state: 'cancelled' }));
        begun();
      }),
  };
  const runner = jobRunner({ ...parts, ledger, link, handlers });
  runner.wake();
  await isBegun;
  link.offers = [server.order({ job, cancel: true, exp: undefined })];
  runner.wake();
  await runner.idle();
  expect(link.reports[0]).toEqual({ attempt: 1, state: 'cancelled' });
});

test('a job that restarts the terminal stays begun, holds what comes after it, and ends after the restart', async () => {
  const install = {
    type: 'software.install',
    params: { version: '2', digest: '0'.repeat(64), size: 1, counter: 2, proofTimeoutMs: 1_000 },
  };
  const files = new MemoryFiles();
  const other = '00000000-0000-4000-8000-000000000002';
  const before = new ScriptedLink([server.order({ job, ...install }), server.order({ job: other, ...sale })]);
  const effects: string[] = [];
  const first = await runnerOn(files, before, effects);
  first.runner.wake();
  await first.runner.idle();
  expect(before.reports).toEqual([]);
  expect(effects).toEqual([]);

  const store = unwrap(await openSealedStore(files.afterPowerLoss(false), world));
  const ledger = unwrap(await openLedger(store, world.clock));
  const after = new ScriptedLink(before.offers);
  const handlers: JobHandlers = {
    ...counting(effects),
    'software.install': async () => ({ state: 'succeeded', software: { version: '2', slot: 'B' } }),
  };
  const runner = jobRunner({ ...parts, ledger, link: after, handlers });
  runner.recover();
  runner.wake();
  await runner.idle();
  await runner.idle();
  expect(after.reports.map(({ state, software }) => software?.version ?? state)).toEqual(['2', 'succeeded']);
  expect(effects).toEqual(['sale']);
});

test('after the ledger was damaged, a payment that the server still offers is not made again; the next one is made', async () => {
  const effects: string[] = [];
  const files = new MemoryFiles();
  const deaf = new ScriptedLink([server.order({ job, ...sale })]);
  deaf.losses = 1_000;
  const first = await runnerOn(files, deaf, effects);
  first.runner.wake();
  await first.runner.idle();
  first.runner.stop();
  expect(effects).toEqual(['sale']);
  await files.write('jobs.sealed', Uint8Array.of(1, 2, 3));

  const link = new ScriptedLink([server.order({ job, ...sale })]);
  const second = await runnerOn(files.afterPowerLoss(false), link, effects);
  expect(second.ledger.isDoubtful).toBe(true);
  second.runner.recover();
  second.runner.wake();
  await second.runner.idle();
  expect(effects).toEqual(['sale']);
  expect(link.reports).toMatchObject([{ state: 'failed', fault: 'JOB_INTERRUPTED' }]);
  expect(second.ledger.isDoubtful).toBe(false);
  link.offers.push(server.order({ job: '00000000-0000-4000-8000-000000000003', ...sale }));
  second.runner.wake();
  await second.runner.idle();
  expect(effects).toEqual(['sale', 'sale']);
});
