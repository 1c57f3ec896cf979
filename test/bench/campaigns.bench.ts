import { openApprovals } from '@tsunagu/fleet-server/audit/index';
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CampaignRooms, type Campaigns, openCampaigns } from '@tsunagu/fleet-server/campaigns/index';
import { openJobs } from '@tsunagu/fleet-server/jobs/index';
import { openLiveHub } from '@tsunagu/fleet-server/live/index';
import { openCampaignLayers } from '@tsunagu/fleet-server/twin/index';
import { openStore, type Store } from '@tsunagu/fleet-server/store/index';
import { migrations } from '@tsunagu/fleet-server/store/migrations';
import {
  askWhy,
  campaignSpec,
  jobOrder,
  parseJson,
  type Serial,
  serialSchema,
  tenantSchema,
} from '@tsunagu/protocols/fleet';
import { ok, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { sql } from 'kysely';

const terminals = 100_000;
/** Ticks whose orders go through the job engine, and come back from the terminals as reports. */
const realTicks = 60;
const digest = 'a'.repeat(64);
const old = 'b'.repeat(64);

const sorted = (values: readonly number[]): readonly number[] => values.toSorted((a, b) => a - b);
const at = (values: readonly number[], share: number): number =>
  sorted(values)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

/** Wall time, and processor time of all threads: on a machine that others use too the second is what the work took. */
async function timed<T>(work: () => Promise<T>): Promise<readonly [value: T, ms: number, cpuMs: number]> {
  const began = performance.now();
  const used = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(used);
  return [value, performance.now() - began, (user + system) / 1_000];
}

const serialOf = (index: number): Serial => serialSchema.parse(`CT5100-${String(index).padStart(6, '0')}`);

/** Puts the fleet into the store: all of them connected, with a hello as a terminal says it. */
async function populate({ db }: Store, now: number): Promise<void> {
  const hello = (index: number): string =>
    JSON.stringify({
      model: 'CT-5100',
      software: { version: index % 10 === 0 ? '1.0.1' : '1.0.0', slot: 'A' },
      configuration: { version: 1, hash: '0123456789abcdef' },
      keys: [{ slot: 'dukpt', kcv: 'ABCDEF0123' }],
      negative: [],
      cards: [],
    });
  const rows = 500;
  for (let from = 0; from < terminals; from += rows) {
    const indexes = Array.from({ length: rows }, (_, index) => from + index);
    await db.transaction().execute(async (tx) => {
      await tx
        .insertInto('terminals')
        .values(
          indexes.map((index) => ({
            serial: serialOf(index),
            model: 'CT-5100',
            merchant: `merchant ${index % 500}`,
            shop: `shop ${index % 20_000}`,
            lane: '1',
            parent: null,
            relay_port: null,
            registered_at: now,
            enrolled_at: now,
          })),
        )
        .execute();
      await tx
        .insertInto('presence')
        .values(
          indexes.map((index) => ({
            serial: serialOf(index),
            state: 'ready' as const,
            since: now,
            boot_seq: 1,
            hello_seq: 1,
            hello_at: now,
            hello: hello(index),
          })),
        )
        .execute();
    });
  }
}

/** The file without free pages and without a log beside it. */
async function sizeOf(store: Store, path: string): Promise<number> {
  await sql`VACUUM`.execute(store.db);
  await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(store.db);
  return statSync(path).size;
}

/** What one durable write costs on this disk now, milliseconds: as many bytes as a commit of a campaign appends, and their flush. */
function flushMs(folder: string): number {
  const file = openSync(join(folder, 'flush'), 'a');
  writeSync(file, Buffer.alloc(64 * 1_024));
  const began = performance.now();
  fsyncSync(file);
  const ms = performance.now() - began;
  closeSync(file);
  return ms;
}

/** The usual way: a row for each terminal of the campaign, found by its state. */
async function naive(store: Store, path: string) {
  const before = await sizeOf(store, path);
  const [, createMs, createCpuMs] = await timed(() =>
    store.write(async (tx) => {
      await sql`create table naive (campaign text not null, serial text not null, state text not null, job text, updated_at integer not null, primary key (campaign, serial))`.execute(
        tx,
      );
      await sql`create index naive_by_state on naive (campaign, state)`.execute(tx);
      await sql`insert into naive select '01900000-0000-7000-8000-000000000000', serial, 'waiting', null, 0 from terminals where model = 'CT-5100'`.execute(
        tx,
      );
    }),
  );
  await sql`update naive set state = 'done', job = lower(hex(randomblob(16))), updated_at = 1764000000000`.execute(
    store.db,
  );
  const bytes = ((await sizeOf(store, path)) - before) / terminals;
  await sql`drop table naive`.execute(store.db);
  return { createMs, createCpuMs, bytes };
}

/** A campaign of 100,000 simulated terminals on the real store and the real job engine, one after the other on one process. */
export default async function run() {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-bench-'));
  const path = join(folder, 'store.sqlite');
  const system = systemWorld(() => {});
  let skippedMs = 0;
  // Ticks are made here, one after the other; between them a second passes.
  const world = {
    ...system,
    clock: { now: () => system.clock.now() + skippedMs, monotonicMs: () => system.clock.monotonicMs() + skippedMs },
    timers: { ...system.timers, every: () => ({ cancel: () => undefined }) },
  };
  const store = unwrap(await openStore(path, migrations, world.clock));
  try {
    await populate(store, world.clock.now());
    const peer = await naive(store, path);
    let campaigns: Campaigns | undefined;
    const tenant = tenantSchema.parse('demo');
    const jobs = openJobs({
      world,
      store,
      live: openLiveHub(),
      tenant,
      sign: (payload) => ({ payload, kid: '0'.repeat(16), sig: 'A'.repeat(86) }),
      approvals: openApprovals(world, store, () => Promise.resolve()),
      notify: () => undefined,
      finished: () => Promise.resolve(undefined),
      ended: (tx, job, state, fault) => campaigns?.jobEnded(tx, job, state, fault) ?? Promise.resolve(),
      note: () => Promise.resolve(),
      announce: () => undefined,
    });
    const rooms: CampaignRooms = {
      world,
      store,
      live: openLiveHub(),
      approvals: openApprovals(world, store, () => Promise.resolve()),
      note: () => Promise.resolve(),
      jobs: {
        queueIn: (tx, serial, body, subject) => jobs.queueIn(tx, serial, body, subject),
        isOpen: () => Promise.resolve(false),
        cancelIn: () => Promise.resolve(),
        wake: () => Promise.resolve(),
      },
      software: {
        order: ({ digest: name }) =>
          Promise.resolve(
            ok({
              model: 'CT-5100',
              install: {
                version: name === digest ? '2.0.0' : '1.0.0',
                counter: 1,
                digest: name,
                size: 500_000,
                proofTimeoutMs: 60_000,
                allowDowngrade: false,
              },
            }),
          ),
        inTime: () => ok(undefined),
        isAttested: () => Promise.resolve(true),
      },
      keys: { rotate: () => Promise.resolve(undefined) },
      twin: { campaignLayers: openCampaignLayers(world), moved: () => undefined },
      mayConnect: () => true,
    };
    campaigns = await openCampaigns(rooms);
    await campaigns.why(askWhy.parse({ target: { kind: 'configuration' }, serials: [serialOf(0)] })); // every terminal has its ordinal
    const before = await sizeOf(store, path);
    const spec = campaignSpec.parse({
      name: 'bench',
      target: 'model = CT-5100 and version < 2.0.0',
      action: { kind: 'software', images: [digest], back: [old] },
      rings: [{ percent: 1 }, { percent: 10 }, { percent: 100 }],
      pace: { perMinute: 100_000, perMinuteMax: 100_000, openMax: 10_000 },
      gate: null,
    });
    const flushBeforeMs = flushMs(folder);
    const [created, createMs, createCpuMs] = await timed(async () =>
      unwrap(await (campaigns as Campaigns).create(spec, { subject: 'one', roles: ['operator'] })),
    );
    const flushAfterMs = flushMs(folder);
    unwrap(await campaigns.act(created.id, 'approve', { subject: 'other', roles: ['admin'] }, ''));

    const ticks: number[] = [];
    const ticksCpu: number[] = [];
    const tick = async (): Promise<void> => {
      skippedMs += 1_000;
      const [, ms, cpuMs] = await timed(() => (campaigns as Campaigns).round());
      ticks.push(ms);
      ticksCpu.push(cpuMs);
    };
    const reports: number[] = [];
    for (let count = 0; count < realTicks; count++) {
      await tick();
      const orders = await store.db
        .selectFrom('campaign_orders')
        .innerJoin('jobs', 'jobs.id', 'campaign_orders.job')
        .select(['jobs.serial'])
        .where('outcome', 'is', null)
        .execute();
      for (const { serial } of orders) {
        const taken = serialSchema.parse(serial);
        const order = await jobs.next(taken);
        const { job, attempt } = unwrap(parseJson(jobOrder, order?.payload ?? ''));
        const report = { attempt, state: 'succeeded' as const, software: { version: '2.0.0', slot: 'B' as const } };
        reports.push((await timed(() => jobs.report(taken, job, report)))[1]);
      }
    }
    const ordering = [...ticks];
    unwrap(await campaigns.act(created.id, 'pause', { subject: 'one' }, ''));
    await campaigns.round();
    const withJobs = await sizeOf(store, path);
    await store.db.deleteFrom('jobs').execute();
    const jobBytes = (withJobs - (await sizeOf(store, path))) / reports.length;
    // The others end as the job engine would tell it, many in one transaction: what it writes by itself is measured above.
    const waited = await store.db
      .selectFrom('terminal_ordinals')
      .select(['ordinal', 'serial'])
      .where(sql<boolean>`serial not in (select serial from campaign_orders join terminal_ordinals using (ordinal))`)
      .execute();
    const bulk = 1_000;
    for (let from = 0; from < waited.length; from += bulk) {
      const part = waited.slice(from, from + bulk);
      await store.write(async (tx) => {
        for (const { ordinal } of part)
          await tx
            .insertInto('campaign_orders')
            .values({
              job: `bulk-${ordinal}`,
              campaign: created.id,
              ordinal,
              leg: 'forward',
              ordered_at: 1,
              outcome: 'done',
              fault: null,
              ended_at: 1,
            })
            .execute();
      });
      await tick();
    }
    unwrap(await campaigns.act(created.id, 'resume', { subject: 'one' }, ''));
    for (let count = 0; count < 5; count++) {
      skippedMs += 1_000;
      await campaigns.round();
    }
    const ended = unwrap(await campaigns.get(created.id));
    if (ended.terminals.done !== terminals || ended.phase !== 'completed')
      throw new Error(`the campaign is ${ended.phase} with ${ended.terminals.done} done`);
    await store.db.deleteFrom('jobs').execute();
    const bytes = ((await sizeOf(store, path)) - before) / terminals;
    const serials = Array.from({ length: 10_000 }, (_, index) => serialOf(index * 10));
    const [, whyMs, whyCpuMs] = await timed(() =>
      (campaigns as Campaigns).why(askWhy.parse({ target: { kind: 'campaign', id: created.id }, serials })),
    );
    const [, dryMs, dryCpuMs] = await timed(async () =>
      unwrap(await (campaigns as Campaigns).dryRun({ ...spec, target: 'version = 1.0.1' })),
    );
    await campaigns.close();
    jobs.close();
    return {
      name: `a campaign of ${terminals.toLocaleString('en-US')} simulated terminals (store, job engine and simulated terminals in one process)`,
      figures: {
        'created, ms': createMs,
        'created, processor ms': createCpuMs,
        'a bare flush of 64 kB on this disk just before, ms': flushBeforeMs,
        'a bare flush of 64 kB on this disk just after, ms': flushAfterMs,
        'a tick with 100 orders and 100 ends, median ms': at(ordering, 0.5),
        'a tick with 100 orders and 100 ends, longest ms': at(ordering, 1),
        'a tick with 100 orders and 100 ends, longest processor ms': at(ticksCpu.slice(0, ordering.length), 1),
        'a tick with 1,000 ends, longest processor ms': at(ticksCpu.slice(ordering.length), 1),
        'a tick with 1,000 ends, longest ms': at(ticks.slice(ordering.length), 1),
        'report of one terminal until it is on disk, median ms': at(reports, 0.5),
        'stored a finished terminal, bytes': bytes,
        'row of the job engine until its retention ends, bytes a terminal': jobBytes,
        '"why not?" about 10,000 terminals, ms': whyMs,
        '"why not?" about 10,000 terminals, processor ms': whyCpuMs,
        'dry run over all terminals, ms': dryMs,
        'dry run over all terminals, processor ms': dryCpuMs,
        'peer: created, ms': peer.createMs,
        'peer: created, processor ms': peer.createCpuMs,
        'peer: stored a finished terminal, bytes': peer.bytes,
      },
      ratios: {
        'peer’s bytes a finished terminal / ours': peer.bytes / bytes,
        '2,000 ms / created': 2_000 / createMs,
        '2,000 ms / created, processor': 2_000 / createCpuMs,
        '200 ms / median tick': 200 / at(ordering, 0.5),
        '200 ms / longest tick': 200 / at(ticks, 1),
        '200 ms / longest tick, processor': 200 / at(ticksCpu, 1),
        '100 bytes / stored a finished terminal': 100 / bytes,
      },
      goals: {
        'peer’s bytes a finished terminal / ours': 10,
        '2,000 ms / created': 1,
        '200 ms / longest tick': 1,
        '100 bytes / stored a finished terminal': 1,
      },
      peers: {
        peer: 'a row for each terminal of the campaign (campaign, serial, state, job, time) with its key and an index by state, on the same store',
      },
    };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
