import type { Booted } from './terminal.ts';
import type { KernelTrace } from '@tsunagu/protocols/kernel-trace';
import { kernelTrace, tracesMax } from '@tsunagu/protocols/kernel-trace';
import { unwrap } from '@tsunagu/protocols/kit';
import type { ReversalImage } from '@tsunagu/firmware-bridge/payment/index';
import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../agent/memory-files.ts';
import { until } from '../agent/tiny-server.ts';
import { Centre } from './centre.ts';
import { boot } from './terminal.ts';

const traceOf = ({ side }: Booted, stan?: string): KernelTrace =>
  kernelTrace.parse(
    JSON.parse(Buffer.from(unwrap(side.traceOf(stan === undefined ? {} : { stan })).base64, 'base64').toString()),
  );

describe('a sale whose power fails after its request has left', () => {
  it('leaves a record, a slip, a trace, and is told', async () => {
    const files = new MemoryFiles();
    const centre = new Centre();
    let isSent = false;
    const first = await boot({
      files,
      acquirer: () => ({
        exchange: (message) => {
          void centre.line(() => true).exchange(message, { timeoutMs: 1 });
          isSent = true;
          return new Promise(() => undefined);
        },
      }),
    });
    void first.side.run({ kind: 'sale', amountMinor: 2_222, card: 'visa-contact' });
    await until(() => isSent && files.log.some((line) => line.includes('trace-')), 'the trace of a sale under way');
    expect(centre.netMinor).toBe(2_222);
    // While it is under way nobody is told that it was interrupted.
    expect(first.side.traceOf({})).toMatchObject({ fault: { code: 'TRACE_UNKNOWN' } });

    const after = await boot({ files: files.afterPowerLoss(false), acquirer: (isAlive) => centre.line(isAlive) });
    const [record] = after.ports.sales.all();
    expect(record).toMatchObject({ outcome: 'reversed', reason: 'PAYMENT_INTERRUPTED', amountMinor: 2_222, slip: 1 });
    const { stan = '' } = record ?? {};
    expect(after.reported).toMatchObject([{ outcome: 'reversed', reason: 'PAYMENT_INTERRUPTED', stan, slip: 1 }]);
    const slip = unwrap(
      await after.side.print({ what: 'payment', stan, format: 'text', copy: 'customer', columns: 32, language: 'ja' }),
    );
    expect(Buffer.from(slip.base64, 'base64').toString()).toContain('2,222');
    const trace = traceOf(after, stan);
    expect(trace).toMatchObject({ stan, card: 'visa-contact', outcome: 'reversed', reason: 'PAYMENT_INTERRUPTED' });
    expect(trace.lines.some((line) => 'ins' in line)).toBe(true);
    await after.drained();
    expect(centre.netMinor).toBe(0);
    await after.side.close();

    // The next start writes and tells nothing more.
    const third = await boot({ files: after.files.afterPowerLoss(false), acquirer: (alive) => centre.line(alive) });
    expect(third.ports.sales.all()).toHaveLength(1);
    expect(third.reported).toEqual([]);
    await third.side.close();
  });
});

describe('traces', () => {
  it('outlast restarts, as many as are kept, and one that is damaged is done without', async () => {
    const centre = new Centre();
    const acquirer = (isAlive: () => boolean) => centre.line(isAlive);
    const first = await boot({ acquirer });
    for (let index = 1; index <= tracesMax + 2; index++)
      await first.side.run({ kind: 'sale', amountMinor: 100 + index, card: 'visa-contactless' });
    const stans = first.ports.sales.all().map(({ stan }) => stan);
    await first.side.close();
    const files = first.files.afterPowerLoss(false);
    const names = (await files.list()).filter((name) => name.startsWith('trace-'));
    expect(names).toHaveLength(tracesMax);

    const second = await boot({ files, acquirer });
    expect(traceOf(second)).toMatchObject({ amountMinor: 100 + tracesMax + 2, outcome: 'approved' });
    expect(traceOf(second, stans[2])).toMatchObject({ amountMinor: 103 });
    expect(second.side.traceOf({ stan: stans[1] })).toMatchObject({ fault: { code: 'TRACE_UNKNOWN' } });
    await second.side.run({ kind: 'sale', amountMinor: 900, card: 'visa-contactless' });
    await second.side.close();

    const damaged = second.files.afterPowerLoss(false);
    await damaged.write('trace-3.sealed', Buffer.from('x'));
    const third = await boot({ files: damaged, acquirer });
    expect(traceOf(third)).toMatchObject({ amountMinor: 900 });
    expect(third.side.traceOf({ stan: stans[2] })).toMatchObject({ fault: { code: 'TRACE_UNKNOWN' } });
    expect(third.lines.map(({ event }) => event)).toContain('traceForgotten');
    await third.side.close();
  });

  it('tell what became of a payment whose last word was not written', async () => {
    const centre = new Centre();
    const acquirer = (isAlive: () => boolean) => centre.line(isAlive);
    const first = await boot({ acquirer });
    await first.side.run({ kind: 'sale', amountMinor: 500, card: 'visa-contactless' });
    await first.side.close();
    // As it was before its last state was written.
    const store = await boot({ files: first.files.afterPowerLoss(false), acquirer });
    const stale = { ...traceOf(store), outcome: 'reversed', reason: 'PAYMENT_INTERRUPTED' };
    await store.ports.traces.keep(0, stale);
    const second = await boot({ files: store.files.afterPowerLoss(false), acquirer });
    expect(traceOf(second)).toMatchObject({ outcome: 'approved' });
    expect(traceOf(second).reason).toBeUndefined();
    await second.side.close();
  });
});

describe('a reversal that can never be settled', () => {
  /** Three sales without an answer; the first one's reversal is answered as told. */
  async function withReversals(actionCode: string) {
    const centre = new Centre();
    let refused = '';
    centre.mood = ({ mti }) => (mti.startsWith('14') ? 'down' : 'answerLost');
    const booted = await boot({ acquirer: (isAlive) => centre.line(isAlive), configuration: { floorLimitMinor: 0 } });
    for (const amountMinor of [101, 102, 103])
      await booted.side.run({ kind: 'sale', amountMinor, card: 'visa-stripe' });
    const [first] = await booted.ports.reversals.list();
    expect(await booted.ports.reversals.list()).toHaveLength(3);
    refused = String(first?.stan).padStart(6, '0');
    centre.actionCode = ({ mti, fields }) => (mti.startsWith('14') && fields[11] === refused ? actionCode : undefined);
    centre.mood = () => 'whole';
    booted.side.wake();
    return { booted, centre, stan: String(first?.original.stan).padStart(6, '0') };
  }

  it('because of a final no is put aside and told, and the others go', async () => {
    const { booted, centre, stan } = await withReversals('904');
    await booted.drained();
    expect(centre.reversals).toHaveLength(3);
    expect(booted.ports.reversals.aside()).toMatchObject([{ refused: '904', original: { stan: Number(stan) } }]);
    expect(booted.reported).toMatchObject([{ stan, reason: 'REVERSAL_REFUSED', actionCode: '904' }]);
    expect(booted.ports.sales.all()[0]).toMatchObject({ stan, reason: 'REVERSAL_REFUSED' });
    expect(unwrap(await booted.side.totals(false)).refused).toEqual([{ stan, actionCode: '904' }]);
    expect(booted.lines.map(({ event }) => event)).toContain('reversalRefused');
    await booted.side.close();
    // It is not due after a restart either, and stays to be seen.
    const again = await boot({ files: booted.files.afterPowerLoss(false), acquirer: (alive) => centre.line(alive) });
    expect(await again.ports.reversals.list()).toEqual([]);
    expect(again.ports.reversals.aside()).toHaveLength(1);
    await again.side.close();
  });

  it('just now waits, and keeps no other from going', async () => {
    const { booted, centre, stan } = await withReversals('909');
    await until(() => centre.reversals.length >= 3, 'the other reversals');
    const due = async () => (await booted.ports.reversals.list()).map(({ original }) => original.stan);
    for (let tries = 0; (await due()).length > 1 && tries < 12_000; tries++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await due()).toEqual([Number(stan)]);
    centre.actionCode = () => undefined;
    centre.forget();
    await booted.drained();
    expect(booted.reported).toEqual([]);
    await booted.side.close();
  });

  it.each([
    ['it cannot be written', (image: ReversalImage) => ({ ...image, posDataCode: 'short' }), 'REQUEST_UNWRITABLE'],
    [
      'its card cannot be opened',
      (image: ReversalImage) => ({ ...image, card: { ...image.card, lastFour: '0000' } }),
      'CARD_BOX_BROKEN',
    ],
  ] as const)('because %s is put aside, and the others go', async (_why, bend, refused) => {
    const centre = new Centre();
    centre.mood = ({ mti }) => (mti.startsWith('14') ? 'down' : 'answerLost');
    const booted = await boot({ acquirer: (isAlive) => centre.line(isAlive), configuration: { floorLimitMinor: 0 } });
    for (const amountMinor of [101, 102]) await booted.side.run({ kind: 'sale', amountMinor, card: 'visa-stripe' });
    const [first] = await booted.ports.reversals.list();
    if (!first) throw new Error('no reversal');
    unwrap(await booted.ports.reversals.put(bend(first)));
    centre.mood = () => 'whole';
    booted.side.wake();
    await booted.drained();
    expect(centre.reversals).toHaveLength(1);
    expect(booted.ports.reversals.aside()).toMatchObject([{ refused }]);
    await booted.side.close();
  });
});

it('an advice that is damaged on the medium is put aside and told, and the others go', async () => {
  const centre = new Centre();
  centre.mood = () => 'down';
  const first = await boot({ acquirer: (isAlive) => centre.line(isAlive) });
  for (const amountMinor of [301, 302]) await first.side.run({ kind: 'sale', amountMinor, card: 'visa-offline' });
  expect(first.ports.advices.entries()).toHaveLength(2);
  await first.side.close();
  const files = first.files.afterPowerLoss(false);
  await files.write('advice-1.sealed', Buffer.from('x'));
  centre.mood = () => 'whole';
  const second = await boot({ files, acquirer: (isAlive) => centre.line(isAlive) });
  await second.drained();
  expect(centre.netMinor).toBe(302);
  expect(second.ports.sales.all()[0]).toMatchObject({ amountMinor: 301, reason: 'ADVICE_REFUSED' });
  await second.side.close();
});
