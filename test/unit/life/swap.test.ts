import { join } from 'node:path';
import { openLifecycle } from '@tsunagu/fleet-server/estate/index';
import type { Store } from '@tsunagu/fleet-server/store/index';
import { decideSwap, openSwaps, type SwapFacts } from '@tsunagu/fleet-server/swap/index';
import { serialSchema, type SettingValues } from '@tsunagu/protocols/fleet';
import { ok, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openQuickly } from '../../empty-store.ts';
import { newFolder, removeFolder } from '../core/support.ts';
import { unheard } from './hands.ts';

const facts = (more: Partial<SwapFacts>): SwapFacts => ({
  step: 'begun',
  old: { state: 'deployed', mayApproveAlone: false },
  fresh: { state: 'in-transit', isKeyed: true, hasCopiedKey: false },
  isOldDead: false,
  isClear: false,
  isReportOpen: false,
  ...more,
});

describe('the rules of a swap', () => {
  it('lock the old unit only when it said that nothing waits in it', () => {
    expect(decideSwap(facts({}))).toBe('prepare');
    expect(decideSwap(facts({ step: 'prepared' }))).toBe('order-report');
    expect(decideSwap(facts({ step: 'prepared', isReportOpen: true }))).toBe('wait');
    expect(decideSwap(facts({ step: 'prepared', isClear: true }))).toBe('drained');
    expect(decideSwap(facts({ step: 'drained', isClear: true }))).toBe('hand');
    expect(decideSwap(facts({ step: 'drained' }))).toBe('order-report');
    expect(decideSwap(facts({ step: 'prepared', isOldDead: true }))).toBe('drained');
  });
  it('ask the old unit for nothing before it approves nothing by itself', () => {
    const old = { state: 'deployed', mayApproveAlone: true } as const;
    for (const step of ['prepared', 'drained'] as const) {
      expect(decideSwap(facts({ step, old, isClear: true }))).toBe('hold');
      expect(decideSwap(facts({ step, old, isReportOpen: true }))).toBe('hold');
      expect(decideSwap(facts({ step, old, isOldDead: true }))).not.toBe('hold');
    }
    expect(decideSwap(facts({ old }))).toBe('prepare');
  });
  it('stop at keys that were copied, keys that are missing, and units that are elsewhere', () => {
    for (const step of ['begun', 'prepared', 'drained'] as const) {
      const fresh = facts({}).fresh;
      expect(decideSwap(facts({ step, fresh: { ...fresh, hasCopiedKey: true } }))).toEqual({
        blocked: 'new-keys-copied',
      });
      expect(decideSwap(facts({ step, fresh: { ...fresh, isKeyed: false } }))).toEqual({ blocked: 'new-keys-missing' });
      expect(decideSwap(facts({ step, fresh: { ...fresh, state: 'quarantined' } }))).toEqual({ blocked: 'new-state' });
      expect(decideSwap(facts({ step, old: { state: 'lost', mayApproveAlone: false } }))).toEqual({
        blocked: 'old-state',
      });
    }
  });
});

const world = systemWorld(() => undefined);
const folders: string[] = [];
afterAll(() => folders.forEach(removeFolder));
const [old, fresh] = [serialSchema.parse('OLD-0001'), serialSchema.parse('NEW-0001')];
const photo = 'a'.repeat(64);

class Died extends Error {}

const deaf = new Set<string>();
const floorOf = (parameters: Map<string, SettingValues>, serial: string): unknown =>
  parameters.get(serial)?.['floorLimitMinor'] ?? 0;

/** Rooms that die at the n-th write: before its commit, or right after it. `meanwhile`: what somebody else does just before each write. */
function rooms(
  store: Store,
  parameters: Map<string, SettingValues>,
  dieAt: number,
  when: 'before' | 'after',
  meanwhile: () => Promise<void> = () => Promise.resolve(),
) {
  let writes = 0;
  const mortal: Store = {
    ...store,
    async write(work) {
      writes += 1;
      const isLast = writes === dieAt;
      await meanwhile();
      const result = await store.write(async (tx) => {
        const done = await work(tx);
        if (isLast && when === 'before') throw new Died();
        return done;
      });
      if (isLast) throw new Died();
      return result;
    },
  };
  const ticks: (() => void)[] = [];
  const every = (_ms: number, tick: () => void) => {
    ticks.push(tick);
    return { cancel: () => undefined };
  };
  const still = { ...world, timers: { ...world.timers, every } };
  const lifecycle = openLifecycle({
    world,
    store: mortal,
    note: () => Promise.resolve(),
    approvals: {
      request: () => Promise.reject(new Error('nobody')),
      lapse: () => Promise.resolve(),
      onDecided: () => undefined,
    },
    keysDestroyed: () => Promise.resolve(),
    benchTestPassed: () => Promise.resolve(false),
    heardOf: unheard,
    disconnect: () => undefined,
    announce: () => undefined,
  });
  const documents = {
    layer: (ref: { serial?: string }) =>
      Promise.resolve(ok({ version: 1, values: parameters.get(String(ref.serial)) ?? {} })),
    change: async (ref: { serial?: string }, _base: number, values: SettingValues) => {
      const merged = { ...parameters.get(String(ref.serial)), ...values };
      parameters.set(
        String(ref.serial),
        Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null)),
      );
      await mortal.write(() => Promise.resolve());
      return ok({});
    },
  };
  const swaps = openSwaps({
    world: still,
    store: mortal,
    note: () => Promise.resolve(),
    lifecycle,
    jobs: {
      queueIn: async (tx, serial, body, subject, reference) => {
        const id = world.id();
        const at = world.clock.now();
        await tx
          .insertInto('jobs')
          .values({
            id,
            serial,
            type: body.type,
            subject,
            params: '{}',
            state: 'queued',
            attempt: 0,
            attempts_max: 3,
            created_at: at,
            deadline_at: at + 1e6,
            finished_at: null,
            fault: null,
            result: null,
            cancelled_at: null,
            approved_by: null,
            approval: null,
            reference: reference ?? null,
          })
          .execute();
        return id;
      },
      wake: () => Promise.resolve(),
    },
    twin: {
      documents: documents as never,
      // A unit that heard of it at once; `deaf`: one that is not connected.
      mayApproveAlone: (_on, serials) =>
        Promise.resolve(new Set(serials.filter((serial) => floorOf(parameters, serial) !== 0 || deaf.has(serial)))),
    },
    placed: () => Promise.resolve(),
    moved: () => undefined,
  });
  return { swaps, count: () => writes, tick: () => ticks.forEach((tick) => tick()) };
}

async function readyStore(): Promise<Store> {
  const folder = newFolder();
  folders.push(folder);
  const store = await openQuickly(join(folder, 'store.sqlite'), world.clock);
  const place = (shop: string) => ({
    model: 'CT-5100',
    merchant: 'm',
    shop,
    lane: '1',
    relay_port: null,
    registered_at: 0,
    enrolled_at: 0,
  });
  await store.db
    .insertInto('terminals')
    .values({ serial: old, ...place('本店'), parent: null, lifecycle: 'deployed' })
    .execute();
  await store.db
    .insertInto('terminals')
    .values({ serial: fresh, ...place('倉庫'), parent: null, lifecycle: 'in-transit' })
    .execute();
  await store.db
    .insertInto('terminals')
    .values({ serial: 'CHILD-0001', ...place('本店'), parent: old, lifecycle: 'deployed' })
    .execute();
  for (const [serial, kcv] of [
    [old, 'AAAAAAAAAA'],
    [fresh, 'BBBBBBBBBB'],
  ] as const)
    await store.db
      .insertInto('key_ledger')
      .values({
        id: world.id(),
        serial,
        slot: 'dukpt',
        kcv,
        initial_key_id: kcv,
        parent_key: 'bdk/1',
        protected_by: 'p',
        key_block: '',
        state: 'loaded',
        allocated_at: 0,
        loaded_at: 0,
      })
      .execute();
  return store;
}

const statesOf = async (store: Store) =>
  Object.fromEntries(
    (await store.db.selectFrom('terminals').select(['serial', 'lifecycle']).execute()).map((row) => [
      row.serial,
      row.lifecycle,
    ]),
  );

const nothing = { reversals: 0, advices: 0, sales: 0, jobs: 0 };

/** The old unit answers what it was asked: first that a sale waits in it, then that nothing does. */
const answer = (store: Store, asked: { count: number }): Promise<void> =>
  say(store, () => {
    asked.count += 1;
    return { ...nothing, advices: asked.count === 1 ? 1 : 0 };
  });

/** The old unit says what waits in it. */
async function say(store: Store, queuesOf: () => typeof nothing): Promise<void> {
  for (const { id } of await store.db.selectFrom('jobs').select('id').where('state', '=', 'queued').execute()) {
    const queues = queuesOf();
    const diagnostics = {
      at: 0,
      uptimeMs: 0,
      boot: 1,
      software: { version: '1', slot: 'A' },
      clockSkewMs: null,
      readers: [],
      storage: { files: 0, bytes: 0 },
      queues,
      keys: [],
      dropped: {},
      memory: null,
      temperatureMilliC: null,
    };
    await store.db
      .updateTable('jobs')
      .set({ state: 'succeeded', finished_at: world.clock.now(), result: JSON.stringify({ diagnostics }) })
      .where('id', '=', id)
      .execute();
  }
}

/** Runs a swap to its end; whoever dies is started again. Returns how many writes it took. */
async function run(store: Store, dieAt: number, when: 'before' | 'after'): Promise<number> {
  const parameters = new Map<string, SettingValues>([
    [old, { taxPercent: 8, floorLimitMinor: 3_000 }],
    // Of a place where it was before.
    [fresh, { floorLimitMinor: 5_000 }],
  ]);
  const asked = { count: 0 };
  let at = rooms(store, parameters, dieAt, when);
  const start = {
    old,
    new: fresh,
    reason: 'worn',
    evidence: { bagNumber: 'BAG-1', photo, seals: ['S-1'], connections: 1 },
  };
  let id: string | undefined;

  let locked = false;
  for (let count = 0; count < 40; count++) {
    try {
      if (id === undefined) {
        // Whoever does not know whether it was begun asks.
        id =
          unwrap(await at.swaps.list({ isOpen: false }, { limit: 1 })).items[0]?.id ??
          unwrap(await at.swaps.start(start, { subject: 'mori' })).id;
      } else unwrap(await at.swaps.advance(id));
    } catch (error) {
      if (!(error instanceof Died)) throw error;

      at = rooms(store, parameters, Number.POSITIVE_INFINITY, when);
    }
    // One of the two sells at every moment, and never both; the old one is not locked while a sale waits in it.
    const states = await statesOf(store);
    expect([states[old], states[fresh]].filter((state) => state === 'deployed')).toHaveLength(1);
    if (states[old] === 'swap' && !locked) {
      locked = true;
      expect(floorOf(parameters, old)).toBe(0);
      expect(asked.count).toBeGreaterThanOrEqual(2);
    }
    if (id !== undefined && unwrap(await at.swaps.view(id)).step === 'closed') break;
    await answer(store, asked);
  }
  const found = await store.db
    .selectFrom('terminals')
    .selectAll()
    .where('serial', 'in', [fresh, 'CHILD-0001'])
    .orderBy('serial')
    .execute();
  expect(await statesOf(store)).toMatchObject({ [old]: 'swap', [fresh]: 'deployed' });
  expect(found).toEqual([
    expect.objectContaining({ serial: 'CHILD-0001', parent: fresh }),
    expect.objectContaining({ serial: fresh, shop: '本店' }),
  ]);
  // What the old one was set to, and not what it was held at.
  expect(parameters.get(fresh)).toEqual({ taxPercent: 8, floorLimitMinor: 3_000 });
  expect(await store.db.selectFrom('swaps').select('step').execute()).toEqual([{ step: 'closed' }]);
  // Keys stay with the unit that they were derived for.
  const keys = await store.db.selectFrom('key_ledger').select(['serial', 'kcv']).orderBy('kcv').execute();
  expect(keys).toEqual([
    { serial: old, kcv: 'AAAAAAAAAA' },
    { serial: fresh, kcv: 'BBBBBBBBBB' },
  ]);
  return at.count();
}

it('comes to the same end whichever write is the last one before somebody dies', async () => {
  const whole = await readyStore();
  const writes = await run(whole, Number.POSITIVE_INFINITY, 'after');
  await whole.close();
  expect(writes).toBeGreaterThan(6);
  for (const when of ['before', 'after'] as const)
    for (let dieAt = 1; dieAt <= writes; dieAt++) {
      const store = await readyStore();
      await run(store, dieAt, when);
      await store.close();
    }
});

it('waits until the old unit approves nothing by itself, and gives its floor limit back when it is taken back', async () => {
  const evidence = { bagNumber: 'BAG-1', photo, seals: ['S-1'], connections: 1 };
  for (const own of [{ floorLimitMinor: 3_000 }, {}])
    for (const dieAt of [Number.POSITIVE_INFINITY, 1, 2, 3, 4])
      for (const when of ['before', 'after'] as const) {
        const store = await readyStore();
        const parameters = new Map<string, SettingValues>([[old, own]]);
        deaf.add(old);
        const { swaps, tick } = rooms(store, parameters, Number.POSITIVE_INFINITY, 'after');
        const { id } = unwrap(await swaps.start({ old, new: fresh, reason: 'worn', evidence }, { subject: 'mori' }));
        expect(unwrap(await swaps.advance(id))).toMatchObject({ step: 'prepared', waitsFor: 'old-approves-alone' });
        expect(floorOf(parameters, old)).toBe(0);
        expect(await store.db.selectFrom('jobs').select('id').execute()).toEqual([]);
        // Whoever dies while it is taken back finds it when it is started again.
        const dying = rooms(store, parameters, dieAt, when);
        await dying.swaps.abort(id, { subject: 'mori' }).catch((error: unknown) => {
          if (!(error instanceof Died)) throw error;
        });
        unwrap(await swaps.abort(id, { subject: 'mori' }));
        tick();
        await expect.poll(() => parameters.get(old)).toEqual(own);
        await expect
          .poll(() => store.db.selectFrom('swaps').select('floor_before').execute())
          .toEqual([{ floor_before: null }]);
        deaf.clear();
        await store.close();
      }
});

it('is taken back until the new unit sells, and not after', async () => {
  const store = await readyStore();
  const { swaps } = rooms(store, new Map(), Number.POSITIVE_INFINITY, 'after');
  const evidence = { bagNumber: 'BAG-1', photo, seals: ['S-1'], connections: 1 };
  const lacking = await swaps.start({ old, new: fresh, reason: 'worn', evidence: {} }, { subject: 'mori' });
  expect(lacking).toMatchObject({ ok: false, fault: { code: 'LIFECYCLE_EVIDENCE_MISSING' } });
  const { id, step } = unwrap(await swaps.start({ old, new: fresh, reason: 'worn', evidence }, { subject: 'mori' }));
  expect(step).toBe('prepared');
  const twice = await swaps.start({ old, new: fresh, reason: 'worn', evidence }, { subject: 'mori' });
  expect(twice).toMatchObject({ ok: false, fault: { code: 'SWAP_OPEN' } });
  expect(unwrap(await swaps.abort(id, { subject: 'mori' }))).toMatchObject({ step: 'aborted' });
  expect(await store.db.selectFrom('terminals').select('shop').where('serial', '=', fresh).execute()).toEqual([
    { shop: '倉庫' },
  ]);
  expect(await statesOf(store)).toMatchObject({ [old]: 'deployed', [fresh]: 'in-transit' });
  const again = unwrap(await swaps.start({ old, new: fresh, reason: 'worn', evidence }, { subject: 'mori' }));
  expect(unwrap(await swaps.oldIsDead(again.id, { subject: 'mori' })).step).toBe('closed');
  expect(await swaps.abort(again.id, { subject: 'mori' })).toMatchObject({
    ok: false,
    fault: { code: 'SWAP_TOO_LATE' },
  });
  await store.close();
});

describe('between its steps, a swap', () => {
  const by = { subject: 'mori' };
  const order = {
    old,
    new: fresh,
    reason: 'worn',
    evidence: { bagNumber: 'BAG-1', photo, seals: ['S-1'], connections: 1 },
  };
  let store: Store;
  let meanwhile: () => Promise<void>;
  let swaps: ReturnType<typeof rooms>['swaps'];
  beforeEach(async () => {
    meanwhile = () => Promise.resolve();
    store = await readyStore();
    swaps = rooms(store, new Map(), Number.POSITIVE_INFINITY, 'after', () => meanwhile()).swaps;
  });
  afterEach(() => store.close());
  const begin = async (): Promise<string> => unwrap(await swaps.start(order, by)).id;
  const look = async (id: string) => unwrap(await swaps.advance(id));
  const sell = (at: number) =>
    store.db
      .insertInto('last_sales')
      .values({ serial: old, at, outcome: 'approved', amount_minor: 100, last_four: '0000', reason: null })
      .onConflict((known) => known.column('serial').doUpdateSet({ at }))
      .execute();

  it.each(['reversals', 'advices', 'sales'] as const)('waits for %s that are in the old unit', async (queue) => {
    const id = await begin();
    await say(store, () => ({ ...nothing, [queue]: 1 }));
    expect(await look(id)).toMatchObject({ step: 'prepared', waitsFor: 'report' });
    await say(store, () => nothing);
    expect((await look(id)).step).toBe('handed');
  });

  it('asks the old unit again when it has sold since it was asked', async () => {
    const id = await begin();
    await say(store, () => nothing);
    await sell(world.clock.now() + 60_000);
    expect(await look(id)).toMatchObject({ step: 'prepared', waitsFor: 'report' });
    expect(await statesOf(store)).toMatchObject({ [old]: 'deployed', [fresh]: 'in-transit' });
  });

  it('does not lock the old unit on what was true before a sale came in between', async () => {
    const id = await begin();
    await say(store, () => nothing);
    meanwhile = async () => {
      const swap = await store.db.selectFrom('swaps').select('step').where('id', '=', id).executeTakeFirstOrThrow();
      if (swap.step === 'drained') await sell(world.clock.now() + 60_000);
    };
    expect(await look(id)).toMatchObject({ step: 'drained', waitsFor: 'report' });
    expect(await statesOf(store)).toMatchObject({ [old]: 'deployed', [fresh]: 'in-transit' });
  });

  it('is closed by a word of the locked unit only', async () => {
    const id = await begin();
    await say(store, () => nothing);
    expect(await look(id)).toMatchObject({ step: 'handed', waitsFor: 'report' });
    await say(store, () => ({ ...nothing, advices: 1 }));
    expect(await look(id)).toMatchObject({ step: 'handed', waitsFor: 'report' });
    await say(store, () => nothing);
    expect(await look(id)).toMatchObject({ step: 'closed', waitsFor: null });
  });

  it('takes no word that was given for another swap', async () => {
    const before = await begin();
    unwrap(await swaps.abort(before, by));
    const id = await begin();
    // The order of the swap that was taken back is answered late.
    await store.db.updateTable('jobs').set({ state: 'failed' }).where('reference', '=', `swap:${id}`).execute();
    const late = world.clock.now() + 1;
    await store.db.updateTable('jobs').set({ created_at: late }).where('reference', '=', `swap:${before}`).execute();
    await say(store, () => nothing);
    expect(await look(id)).toMatchObject({ step: 'prepared', waitsFor: 'report' });
  });

  it('stops at a key of the new unit that is the old one’s, and at one that it has not proven', async () => {
    const setKey = (to: { kcv?: string; state?: 'allocated' | 'loaded' }) =>
      store.db.updateTable('key_ledger').set(to).where('serial', '=', fresh).execute();
    await setKey({ state: 'allocated' });
    const id = await begin();
    expect(await look(id)).toMatchObject({ step: 'begun', waitsFor: 'new-keys-missing' });
    await setKey({ state: 'loaded', kcv: 'AAAAAAAAAA' });
    expect(await look(id)).toMatchObject({ step: 'begun', waitsFor: 'new-keys-copied' });
    // Also when the old one has got another since.
    await store.db.updateTable('key_ledger').set({ state: 'replaced' }).where('serial', '=', old).execute();
    expect(await look(id)).toMatchObject({ step: 'begun', waitsFor: 'new-keys-copied' });
    await setKey({ kcv: 'BBBBBBBBBB' });
    expect((await look(id)).step).toBe('prepared');
  });

  it('is not begun with a unit that is not on its way, that is itself, or that cannot have its children', async () => {
    const change = (to: { lifecycle?: 'warehouse' | 'in-transit'; model?: string }) =>
      store.db.updateTable('terminals').set(to).where('serial', '=', fresh).execute();
    await change({ lifecycle: 'warehouse' });
    expect(await swaps.start(order, by)).toMatchObject({ ok: false, fault: { code: 'SWAP_UNFIT' } });
    await change({ lifecycle: 'in-transit', model: 'JT-C07' });
    expect(await swaps.start(order, by)).toMatchObject({ ok: false, fault: { code: 'PARENT_UNSUITABLE' } });
    expect(await swaps.start({ ...order, new: old }, by)).toMatchObject({ ok: false, fault: { code: 'SWAP_UNFIT' } });
    expect(unwrap(await swaps.list({ isOpen: false }, { limit: 200 })).items).toEqual([]);
  });

  it('writes nothing while it waits', async () => {
    const id = await begin();
    let writes = 0;
    meanwhile = () => {
      writes += 1;
      return Promise.resolve();
    };
    await look(id);
    expect(writes).toBe(0);
  });
});

it('lists many swaps in as many statements as one', async () => {
  const store = await readyStore();
  let statements = 0;
  const counted: Store = {
    ...store,
    db: store.db.withPlugin({
      transformQuery: ({ node }) => {
        statements += 1;
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    }),
  };
  const { swaps } = rooms(counted, new Map(), Number.POSITIVE_INFINITY, 'after');
  const evidence = { bagNumber: 'BAG-1', photo, seals: ['S-1'], connections: 1 };
  const begun = unwrap(await swaps.start({ old, new: fresh, reason: 'worn', evidence }, { subject: 'mori' }));
  const listing = async () => {
    statements = 0;
    const { items } = unwrap(await swaps.list({ isOpen: false }, { limit: 200 }));
    return { items, statements };
  };
  const one = await listing();
  expect(one.items).toEqual([begun]);
  const row = await store.db.selectFrom('swaps').selectAll().executeTakeFirstOrThrow();
  const units = await store.db.selectFrom('terminals').selectAll().where('serial', 'in', [old, fresh]).execute();
  for (const id of ['other-1', 'other-2']) {
    const named = (serial: string) => `${serial}-${id}`.toUpperCase();
    for (const unit of units)
      await store.db
        .insertInto('terminals')
        .values({ ...unit, serial: named(unit.serial) })
        .execute();
    await store.db
      .insertInto('swaps')
      .values({ ...row, id, old: named(old), fresh: named(fresh) })
      .execute();
  }
  await store.db
    .insertInto('swaps')
    .values({ ...row, id: 'over', step: 'aborted' })
    .execute();
  const many = await listing();
  expect(many.items).toHaveLength(4);
  expect(many.statements).toBe(one.statements);
  // What was answered for one swap is no answer for another, and what is over waits for nothing.
  expect(Object.fromEntries(many.items.map(({ id, waitsFor }) => [id, waitsFor]))).toEqual({
    [begun.id]: 'report',
    'other-1': 'new-keys-missing',
    'other-2': 'new-keys-missing',
    over: null,
  });
  // Begun at one moment, and each still on one page only.
  const walked: string[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page: { readonly items: readonly { readonly id: string }[]; readonly next: string | null } = unwrap(
      await swaps.list({ isOpen: false }, { limit: 1, ...(cursor !== '' && { cursor }) }),
    );
    walked.push(...page.items.map(({ id }) => id));
    cursor = page.next ?? undefined;
  }
  expect(walked.toSorted()).toEqual([begun.id, 'other-1', 'other-2', 'over'].toSorted());
  expect(
    await swaps.list({ isOpen: false }, { limit: 1, cursor: Buffer.from('soon').toString('base64url') }),
  ).toMatchObject({
    fault: { code: 'INPUT_INVALID', field: 'cursor' },
  });
  await store.close();
});
