import { type JobHandlers, jobRunner, openLedger, readOrder } from '@tsunagu/firmware-bridge/jobs/index';
import type { Link } from '@tsunagu/firmware-bridge/link/index';
import { openSealedStore } from '@tsunagu/firmware-bridge/sealed-store/index';
import { type JobReport, type Response, type SignedDocument } from '@tsunagu/protocols/fleet';
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
  const unknown = unwrap(readOrder(server.order({ job, type: 'wipe', params: {} }), trust, 6));
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

function counting(effects: string[]): JobHandlers {
  return {
    'key.load': {
      afterPowerLoss: 'again',
      run: async () => {
        effects.push('key');
        return { state: 'succeeded', evidence: { slot: 'negative', kcv: '0123456789' } };
      },
    },
    'payment.run': { afterPowerLoss: 'failed', run: async () => ({ state: 'failed', fault: 'SALE_FAILED' }) },
    'payment.totals': { afterPowerLoss: 'failed', run: async () => ({ state: 'failed', fault: 'SALE_FAILED' }) },
    'trace.show': { afterPowerLoss: 'again', run: async () => ({ state: 'failed', fault: 'TRACE_UNKNOWN' }) },
    'slip.print': { afterPowerLoss: 'again', run: async () => ({ state: 'failed', fault: 'SALE_FAILED' }) },
    'sale.test': {
      afterPowerLoss: 'failed',
      run: async (_, { progress }) => {
        progress('card-presented', 1);
        effects.push('sale');
        return { state: 'succeeded', sale: saleOf() };
      },
    },
    'software.install': { afterPowerLoss: 'again', run: async () => 'restarting' },
  };
}

async function runnerOn(files: MemoryFiles, link: ScriptedLink, effects: string[]) {
  const store = unwrap(await openSealedStore(files, world));
  const ledger = unwrap(await openLedger(store));
  const runner = jobRunner({ world, ledger, trust, link, handlers: counting(effects), changed: () => undefined });
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
  const ledger = unwrap(await openLedger(store));
  const id = (index: number) =>
    `00000000-0000-4000-8000-${String(index).padStart(12, '0')}` as Parameters<typeof ledger.find>[0];
  const body = { type: 'sale.test' as const, params: sale.params };
  let begun = 0;
  while ((await ledger.begin(id(begun), 1, body)).ok) begun += 1;
  expect(begun).toBe(32);
  for (let index = 0; index < begun; index++) {
    unwrap(await ledger.finish(id(index), 1, { attempt: 1, state: 'succeeded' }));
    unwrap(await ledger.acknowledge(id(index), 1));
  }
  expect((await ledger.begin(id(99), 1, body)).ok).toBe(true);
  expect(unwrap(await openLedger(store)).find(id(0), 1)?.state).toBe('acknowledged');
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
  const ledger = unwrap(await openLedger(store));
  const after = new ScriptedLink(before.offers);
  const handlers: JobHandlers = {
    ...counting(effects),
    'software.install': {
      afterPowerLoss: 'again',
      run: async () => ({ state: 'succeeded', software: { version: '2', slot: 'B' } }),
    },
  };
  const runner = jobRunner({ world, ledger, trust, link: after, handlers, changed: () => undefined });
  runner.recover();
  runner.wake();
  await runner.idle();
  await runner.idle();
  expect(after.reports.map(({ state, software }) => software?.version ?? state)).toEqual(['2', 'succeeded']);
  expect(effects).toEqual(['sale']);
});
