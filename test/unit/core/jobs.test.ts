import { tmpdir } from 'node:os';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { openApprovals } from '@tsunagu/fleet-server/audit/index';
import { openJobs, refusalsOf } from '@tsunagu/fleet-server/jobs/index';
import { openLiveHub } from '@tsunagu/fleet-server/live/index';
import { openStore } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import { jobOrder, serialSchema, tenantSchema } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { createHash } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';

const begun = Date.now();
let looks = 0;
let aheadMs = 0;
const real = systemWorld(() => undefined);
/** A clock that goes on by a millisecond whenever somebody looks: no pause is shorter by what a test took. */
const world = { ...real, clock: { ...real.clock, now: () => begun + aheadMs + (looks += 1) } };
const store = unwrap(
  await openStore(join(mkdtempSync(join(tmpdir(), 'tsunagu-jobs-')), 'store.sqlite'), migrations, world.clock),
);
const serials = ['J-0001', 'J-0002', 'J-0003'].map((serial) => serialSchema.parse(serial));
const [one, two, three] = serials as [(typeof serials)[0], (typeof serials)[0], (typeof serials)[0]];
for (const serial of serials)
  await store.db
    .insertInto('terminals')
    .values({
      serial,
      model: 'CT-5100',
      merchant: 'm',
      shop: 's',
      lane: '1',
      parent: null,
      relay_port: null,
      registered_at: 1,
      enrolled_at: null,
    })
    .execute();
const told: string[] = [];
const jobs = openJobs({
  world,
  store,
  live: openLiveHub(),
  tenant: tenantSchema.parse('demo'),
  sign: (payload) => ({ payload, kid: '0'.repeat(16), sig: 'A'.repeat(86) }),
  approvals: openApprovals(world, store, () => Promise.resolve()),
  notify: (serial) => told.push(serial),
  finished: async () => undefined,
  note: async () => undefined,
  announce: () => undefined,
});
afterAll(async () => {
  jobs.close();
  await store.close();
});

const operator = { subject: 'operator', roles: ['operator'] } as const;
const other = { subject: 'approver', roles: ['admin'] } as const;
const diagnose = { type: 'terminal.diagnose' as const, params: {} };
const next = async (serial: typeof one) => {
  const document = await jobs.next(serial);
  return document && (JSON.parse(document.payload) as { job: string; attempt: number; type?: string; cancel?: true });
};

test('what cannot be undone is held until somebody else approves it', async () => {
  const held = unwrap(await jobs.start(one, { type: 'terminal.wipe', params: {} }, operator));
  expect(held.state).toBe('held');
  expect(await next(one)).toBeNull();
  expect(await jobs.approve(held.id, operator)).toMatchObject({ fault: { code: 'APPROVAL_OWN' } });
  expect(unwrap(await jobs.approve(held.id, other))).toMatchObject({ state: 'queued', approvedBy: 'approver' });
  expect(await next(one)).toMatchObject({ job: held.id, type: 'terminal.wipe' });
  // The terminal may have it: it is asked, and has the last word.
  expect(unwrap(await jobs.cancel(held.id, operator))).toMatchObject({ state: 'offered', isCancelling: true });
  expect(await next(one)).toMatchObject({ job: held.id, attempt: 1, cancel: true });
  unwrap(await jobs.report(one, held.id, { attempt: 1, state: 'cancelled' }));
  expect(unwrap(await jobs.job(held.id))).toMatchObject({ state: 'cancelled', isCancelling: false });
  expect(await jobs.cancel(held.id, operator)).toMatchObject({ fault: { code: 'JOB_OVER' } });
});

test('an emergency goes first, and nothing goes before its hour', async () => {
  const routine = unwrap(await jobs.start(two, diagnose, operator));
  const later = unwrap(
    await jobs.start(two, diagnose, operator, { priority: 'emergency', notBefore: Date.now() + 3_600_000 }),
  );
  const urgent = unwrap(await jobs.start(two, diagnose, operator, { priority: 'emergency' }));
  expect((await next(two))?.job).toBe(urgent.id);
  unwrap(await jobs.cancel(routine.id, operator));
  unwrap(await jobs.report(two, urgent.id, { attempt: 1, state: 'failed', fault: 'LINK_DOWN' }));
  // It failed in a way that may pass: it waits for its pause, and the other for its hour.
  expect(unwrap(await jobs.job(urgent.id))).toMatchObject({ state: 'queued', fault: 'LINK_DOWN' });
  expect(await next(two)).toBeNull();
  aheadMs = 10_000;
  expect(await next(two)).toMatchObject({ job: urgent.id, attempt: 2 });
  aheadMs = 0;
  expect(await jobs.retry(later.id, operator)).toMatchObject({ fault: { code: 'JOB_STILL_OPEN' } });
});

test('jobs of one reference are counted by state, and two orders of one subject are one job', async () => {
  const ordering = { reference: 'campaign-7', subject: 'campaign-7/diagnose' };
  const unknown = serialSchema.parse('J-9999');
  expect(await jobs.start(unknown, diagnose, operator, ordering)).toMatchObject({
    fault: { code: 'TERMINAL_UNKNOWN' },
  });
  const first = unwrap(await jobs.start(three, diagnose, operator, ordering));
  expect(unwrap(await jobs.start(three, diagnose, operator, ordering)).id).toBe(first.id);
  expect(await jobs.counts('campaign-7')).toEqual({ queued: 1 });
  expect(unwrap(await jobs.list({ reference: 'campaign-7' }, { limit: 10 })).items).toHaveLength(1);
  unwrap(await jobs.cancel(first.id, operator));
  expect(await jobs.counts('campaign-7')).toEqual({ cancelled: 1 });
});

test('a log comes in pieces, goes on where it broke off, and is whole or none', async () => {
  const pull = unwrap(await jobs.start(three, { type: 'log.pull', params: { linesMax: 10 } }, operator));
  const whole = Buffer.from('a log that is packed');
  const digest = createHash('sha256').update(whole).digest('hex');
  const piece = (offset: number, bytes: Buffer) => ({
    offset,
    of: whole.length,
    digest,
    bytes: bytes.toString('base64'),
  });
  // Not before it was asked for, and not by another terminal.
  expect(await jobs.logs.take(three, pull.id, piece(0, whole))).toMatchObject({ ok: false });
  expect(jobOrder.parse(await next(three)).job).toBe(pull.id);
  expect(await jobs.logs.take(one, pull.id, piece(0, whole))).toMatchObject({ fault: { code: 'JOB_UNKNOWN' } });
  expect(unwrap(await jobs.logs.take(three, pull.id, piece(0, whole.subarray(0, 8))))).toEqual({ length: 8 });
  expect(await jobs.logs.read(pull.id)).toMatchObject({ fault: { code: 'JOB_LOG_UNKNOWN' } });
  expect(unwrap(await jobs.logs.take(three, pull.id, piece(0, whole)))).toEqual({ length: 8 });
  expect(unwrap(await jobs.logs.take(three, pull.id, piece(8, whole.subarray(8))))).toEqual({ length: whole.length });
  expect(Buffer.from(unwrap(await jobs.logs.read(pull.id))).toString()).toBe(whole.toString());
});

test('a wish that is refused waits longer each time, until it is fulfilled or a person takes the order back', async () => {
  const chain = ['wish/first', 'wish/last'] as const;
  const order = (subject: string) => store.write((tx) => jobs.queueAgainIn(tx, two, diagnose, subject, chain));
  const open = async (subject: string) => {
    const row = await store.db
      .selectFrom('jobs')
      .select(['id', 'not_before'])
      .where('subject', '=', subject)
      .where('state', '=', 'queued')
      .executeTakeFirstOrThrow();
    return { id: row.id, waitsMs: Math.max(0, row.not_before - world.clock.now()) };
  };
  const end = async (subject: string, state: 'failed' | 'succeeded') => {
    const { id, waitsMs } = await open(subject);
    aheadMs += waitsMs;
    for (let order = await next(two); order?.job !== id; order = await next(two)) {
      if (!order) throw new Error('it is not handed out');
      unwrap(await jobs.report(two, order.job, { attempt: order.attempt, state: 'failed', fault: 'KCV_MISMATCH' }));
    }
    const failed = { state: 'failed', fault: 'KCV_MISMATCH' } as const;
    const done = { state: 'succeeded', diagnostics } as const;
    unwrap(await jobs.report(two, id, { attempt: 1, ...(state === 'failed' ? failed : done) }));
  };
  const diagnostics = {} as never;
  const waits: number[] = [];
  for (let count = 0; count < 13; count++) {
    expect(await order('wish/first')).toMatchObject({ count });
    // While it waits there is no second one.
    expect(await order('wish/first')).toBeUndefined();
    waits.push((await open('wish/first')).waitsMs);
    await end('wish/first', 'failed');
  }
  expect(waits[0]).toBe(0);
  for (const [index, ms] of waits.entries()) {
    if (index === 0) continue;
    const pause = Math.min(86_400_000, 60_000 * 2 ** (index - 1));
    expect(ms / pause).toBeGreaterThan(0.89);
    expect(ms / pause).toBeLessThan(1.11);
  }
  expect((await refusalsOf(store.db, [one, two], chain))(two)).toMatchObject({ count: 13, fault: 'KCV_MISMATCH' });
  expect((await refusalsOf(store.db, [one, two], chain))(one).count).toBe(0);
  // A person mended what was wrong.
  await order('wish/first');
  unwrap(await jobs.cancel((await open('wish/first')).id, operator));
  expect(await order('wish/first')).toMatchObject({ count: 0 });
  await end('wish/first', 'failed');
  expect(await order('wish/last')).toMatchObject({ count: 1 });
  aheadMs = 0;
});

test('what was handed to a device that is no longer the serial’s is over, its end unknown, and is not handed to the next one', async () => {
  const [seen, unseen] = [
    unwrap(await jobs.start(one, { type: 'terminal.test', params: {} }, operator)),
    unwrap(await jobs.start(one, diagnose, operator)),
  ];
  const load = await store.write((tx) =>
    jobs.queueIn(tx, one, { type: 'key.load', params: {} as never }, 'key.load/x'),
  );
  expect(await next(one)).toMatchObject({ job: seen.id, attempt: 1 });
  await store.write((tx) => jobs.unitChanged(tx, one));
  expect(unwrap(await jobs.job(seen.id))).toMatchObject({ state: 'timed-out', fault: 'JOB_UNIT_CHANGED' });
  expect(unwrap(await jobs.job(load ?? ''))).toMatchObject({ state: 'cancelled' });
  // Nobody has seen this one.
  expect(await next(one)).toMatchObject({ job: unseen.id, attempt: 1 });
  // The same device after all, with the report that it kept: it had its effect, and that counts.
  unwrap(await jobs.report(one, seen.id, { attempt: 1, state: 'failed', fault: 'JOB_INTERRUPTED' }));
  expect(unwrap(await jobs.job(seen.id))).toMatchObject({ state: 'failed', isLate: true });
});

test('a key block that was handed out is not ordered again by a person', async () => {
  const id = await store.write((tx) => jobs.queueIn(tx, one, { type: 'key.load', params: {} as never }, 'key.load/y'));
  unwrap(await jobs.cancel(id ?? '', operator));
  expect(await jobs.retry(id ?? '', operator)).toMatchObject({ fault: { code: 'JOB_KIND_NOT_FOR_PEOPLE' } });
});
