import { openApprovals } from '@tsunagu/fleet-server/audit/index';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CampaignRooms, type Campaigns, openCampaigns } from '@tsunagu/fleet-server/campaigns/index';
import { type Jobs, openJobs } from '@tsunagu/fleet-server/jobs/index';
import { openLiveHub } from '@tsunagu/fleet-server/live/index';
import type { Store } from '@tsunagu/fleet-server/store/index';
import { campaignSpec, jobOrder, parseJson, serialSchema, tenantSchema } from '@tsunagu/protocols/fleet';
import { ok, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { openCampaignLayers } from '@tsunagu/fleet-server/twin/index';
import { openQuickly } from '../../empty-store.ts';
import { afterEach, describe, expect, it } from 'vitest';

const serials = Array.from({ length: 5 }, (_, index) => serialSchema.parse(`POWER-${index}`));
const digest = 'a'.repeat(64);
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Where the power fails: at the n-th moment that a process comes by, in the middle of a transaction, before or after its commit. */
class Power {
  readonly at: number;
  passed = 0;
  constructor(at: number) {
    this.at = at;
  }
  pass(): void {
    this.passed += 1;
    if (this.passed >= this.at) throw new Error('the power failed');
  }
}

/** One life of a server on a store, until its power fails. */
async function boot(store: Store, power: Power, world = systemWorld(() => {})) {
  const still = { ...world, timers: { ...world.timers, every: () => ({ cancel: () => undefined }) } };
  const failing: Store = {
    ...store,
    async write(work) {
      const value = await store.write(async (tx) => {
        power.pass();
        const made = await work(tx);
        power.pass();
        return made;
      });
      power.pass();
      return value;
    },
  };
  let campaigns: Campaigns | undefined;
  const jobs: Jobs = openJobs({
    world: still,
    store: failing,
    live: openLiveHub(),
    tenant: tenantSchema.parse('demo'),
    sign: (payload) => ({ payload, kid: '0'.repeat(16), sig: 'A'.repeat(86) }),
    approvals: openApprovals(still, failing, () => Promise.resolve()),
    notify: () => undefined,
    finished: () => Promise.resolve(undefined),
    async ended(tx, job, state, fault) {
      power.pass();
      await campaigns?.jobEnded(tx, job, state, fault);
      power.pass();
    },
    note: () => Promise.resolve(),
    announce: () => undefined,
  });
  const layers = openCampaignLayers(still);
  const rooms: CampaignRooms = {
    world: still,
    store: failing,
    live: openLiveHub(),
    approvals: openApprovals(still, failing, () => Promise.resolve()),
    note: () => Promise.resolve(),
    jobs: {
      async queueIn(tx, serial, body, subject) {
        power.pass();
        return await jobs.queueIn(tx, serial, body, subject);
      },
      isOpen: async (tx, serial, subject) => (await jobs.openSubjects(tx, serial)).has(subject),
      cancelIn: (tx, id) => jobs.cancelIn(tx, id),
      wake: () => Promise.resolve(power.pass()),
    },
    software: {
      order: () =>
        Promise.resolve(
          ok({
            model: 'CT-5100',
            install: { version: '2.0.0', counter: 1, digest, size: 1, proofTimeoutMs: 60_000, allowDowngrade: false },
          }),
        ),
      inTime: () => ok(undefined),
      isAttested: () => Promise.resolve(true),
    },
    keys: { rotate: () => Promise.resolve(undefined) },
    twin: { campaignLayers: layers, moved: () => undefined },
    mayConnect: () => true,
  };
  campaigns = await openCampaigns(rooms);
  return { campaigns, jobs };
}

async function fleet(): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-power-'));
  folders.push(folder);
  const store = await openQuickly(join(folder, 'store.sqlite'), systemWorld(() => {}).clock);
  for (const serial of serials) {
    const place = { merchant: 'm', shop: 's', lane: '' };
    await store.db
      .insertInto('terminals')
      .values({ serial, model: 'CT-5100', ...place, parent: null, relay_port: null, registered_at: 1, enrolled_at: 1 })
      .execute();
    await store.db
      .insertInto('presence')
      .values({ serial, state: 'ready', since: 1, boot_seq: 1, hello_seq: 1, hello_at: 1, hello: '{"keys":[]}' })
      .execute();
  }
  return store;
}

const spec = campaignSpec.parse({
  name: 'power',
  action: { kind: 'software', images: [digest] },
  rings: [{ percent: 40 }, { percent: 100 }],
  pace: { perMinute: 100_000, perMinuteMax: 100_000 },
  gate: null,
});

/** Lives until the campaign is completed, the first of them with the power that fails; says how often the server began. */
async function live(store: Store, failing: Power): Promise<number> {
  let { campaigns, jobs } = await boot(store, new Power(Number.POSITIVE_INFINITY));
  const { id } = unwrap(await campaigns.create(spec, { subject: 'one', roles: ['operator'] }));
  unwrap(await campaigns.act(id, 'approve', { subject: 'other', roles: ['admin'] }, ''));
  await campaigns.close();
  jobs.close();
  ({ campaigns, jobs } = await boot(store, failing));
  for (let lives = 1; ; ) {
    try {
      for (let round = 0; round < 40; round++) {
        await campaigns.round();
        for (const serial of serials) {
          const order = await jobs.next(serial);
          if (!order) continue;
          const { job, attempt } = unwrap(parseJson(jobOrder, order.payload));
          await jobs.report(serial, job, { attempt, state: 'succeeded', software: { version: '2.0.0', slot: 'B' } });
        }
        if (unwrap(await campaigns.get(id)).phase === 'completed') {
          await campaigns.close();
          jobs.close();
          return lives;
        }
        if (failing.passed >= failing.at && lives === 1) throw new Error('the power failed');
      }
      throw new Error(`never completed: ${JSON.stringify(unwrap(await campaigns.get(id)).terminals)}`);
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'the power failed') throw error;
      // What was in memory is gone.
      await campaigns.close();
      jobs.close();
      lives += 1;
      ({ campaigns, jobs } = await boot(store, new Power(Number.POSITIVE_INFINITY)));
    }
  }
}

describe('a server whose power fails at every moment of a campaign', () => {
  it('orders nothing twice and forgets nobody', async () => {
    const whole = new Power(Number.POSITIVE_INFINITY);
    const calm = await fleet();
    await live(calm, whole);
    await calm.close();
    expect(whole.passed).toBeGreaterThan(50);
    let failed = 0;
    for (let at = 1; at <= whole.passed; at++) {
      const store = await fleet();
      const lives = await live(store, new Power(at));
      if (lives > 1) failed += 1;
      const orders = await store.db.selectFrom('jobs').select(['serial', 'state']).execute();
      expect(orders.map(({ serial }) => serial).toSorted(), `moment ${at}`).toEqual([...serials].toSorted());
      expect(new Set(orders.map(({ state }) => state)), `moment ${at}`).toEqual(new Set(['succeeded']));
      const left = await store.db.selectFrom('campaign_orders').selectAll().execute();
      expect(left, `moment ${at}`).toEqual([]);
      await store.close();
    }
    expect(failed).toBeGreaterThan(whole.passed / 2);
  }, 600_000);
});
