import { modelOf } from '@tsunagu/protocols/catalogue';
import {
  evidence as evidenceSchema,
  jobReport,
  parseJson,
  type Serial,
  type LayerDocument,
  serialSchema,
  settingValue,
  type SettingValue,
  type StartSwap,
  type SwapView,
} from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import type { Actor } from '../audit/index.ts';
import type { Lifecycle, MoveFault, Note } from '../estate/index.ts';
import type { Jobs } from '../jobs/index.ts';
import {
  type Database,
  isoTime,
  newestFirst,
  type Page,
  type PageRequest,
  type Queryable,
  type Store,
  pageOn,
  viewPage,
} from '../store/index.ts';
import type { Twin } from '../twin/index.ts';
import { decideSwap, isOver, mayAbort, overSteps, type SwapFacts } from './rules.ts';
import type { SwapTables } from './tables.ts';

const tickMs = 2_000;
/** Open swaps that one round looks at. */
const listMax = 200;
/** Steps in one go, at most: each leads on, so there are no more than this. */
const stepsMax = 6;
/** What a swap waits for that goes on by itself. */
const waits: Partial<Record<string, NonNullable<SwapView['waitsFor']>>> = {
  wait: 'report',
  'order-report': 'report',
  hold: 'old-approves-alone',
};
type Row = Selectable<SwapTables['swaps']>;
type Decision = ReturnType<typeof decideSwap>;

export interface SwapRooms {
  readonly world: World;
  readonly store: Store;
  readonly note: Note;
  readonly lifecycle: Pick<Lifecycle, 'judgeIn' | 'takeIn' | 'moved'>;
  readonly jobs: Pick<Jobs, 'queueIn' | 'wake'>;
  readonly twin: Pick<Twin, 'documents' | 'mayApproveAlone'>;
  /** A terminal stands somewhere else now: in the transaction, and after its commit. */
  readonly placed: (tx: Transaction<Database>, serial: Serial) => Promise<void>;
  readonly moved: (serial: Serial) => void;
}

type StartFault = MoveFault | 'SWAP_OPEN' | 'SWAP_UNFIT' | 'PARENT_UNSUITABLE';

/** The new unit takes the place of the old. Open swaps go on by themselves, after a restart too. */
export interface Swaps {
  start(order: StartSwap, by: Actor): Promise<Result<SwapView, StartFault>>;
  view(id: string): Promise<Result<SwapView, 'SWAP_UNKNOWN'>>;
  /** Newest first: all of them, or those that go on. */
  list(filter: { readonly isOpen: boolean }, page: PageRequest): Promise<Result<Page<SwapView>, 'INPUT_INVALID'>>;
  /** Does whatever can be done now. */
  advance(id: string): Promise<Result<SwapView, 'SWAP_UNKNOWN'>>;
  /** Says that the old unit does not answer: what it owes is declared, by two persons, when it is returned. */
  oldIsDead(id: string, by: Actor): Promise<Result<SwapView, 'SWAP_UNKNOWN'>>;
  abort(id: string, by: Actor): Promise<Result<SwapView, 'SWAP_UNKNOWN' | 'SWAP_TOO_LATE'>>;
  close(): void;
}

export function openSwaps(rooms: SwapRooms): Swaps {
  const { world, store } = rooms;
  const find = (on: Queryable, id: string): Promise<Row | undefined> =>
    on.selectFrom('swaps').selectAll().where('id', '=', id).executeTakeFirst();
  const serialOf = (text: string): Serial => serialSchema.parse(text);

  /** What these swaps look at, all of them in four statements. */
  async function factsOf(on: Queryable, rows: readonly Row[]): Promise<readonly SwapFacts[]> {
    const both = [...new Set(rows.flatMap((row) => [row.old, row.fresh]))];
    const units = await on
      .selectFrom('terminals')
      .leftJoin('last_sales', 'last_sales.serial', 'terminals.serial')
      .select(['terminals.serial', 'model', 'lifecycle', 'last_sales.at as soldAt'])
      .where('terminals.serial', 'in', both)
      .execute();
    const unit = (serial: string) => {
      const known = units.find((one) => one.serial === serial);
      if (!known) throw new Error(`${serial} is in a swap and not on the inventory`);
      return known;
    };
    const keys = await on
      .selectFrom('key_ledger')
      .select(['serial', 'kcv', 'state'])
      .where('serial', 'in', both)
      .where('slot', '=', 'dukpt')
      .execute();
    const olds = rows.map(({ old }) => old);
    const references = rows.map(({ id }) => `swap:${id}`);
    const reports = await on
      .selectFrom('jobs')
      .select(['serial', 'reference', 'state', 'result', 'created_at', 'finished_at'])
      .where('serial', 'in', olds)
      .where('reference', 'in', references)
      .orderBy('created_at', 'desc')
      .execute();
    const alone = await rooms.twin.mayApproveAlone(on, olds);
    return rows.map((row) => {
      const [old, fresh] = [unit(row.old), unit(row.fresh)];
      const own = keys.filter(({ serial, state }) => serial === row.fresh && state === 'loaded');
      const since = row.step === 'handed' ? row.changed_at : row.begun_at;
      const asked = reports.filter(
        ({ serial, reference, created_at }) =>
          serial === row.old && reference === `swap:${row.id}` && created_at >= since,
      );
      const last = asked.find(({ state: ended }) => ended === 'succeeded');
      const read = last?.result == null ? undefined : parseJson(jobReport.partial(), last.result, 1_048_576);
      const queues = read?.ok ? read.value.diagnostics?.queues : undefined;
      return {
        step: row.step,
        old: { state: old.lifecycle, mayApproveAlone: alone.has(row.old) && modelOf(old.model)?.offline === true },
        fresh: {
          state: fresh.lifecycle,
          isKeyed: own.length > 0,
          hasCopiedKey: own.some(({ kcv }) => keys.some((other) => other.serial === row.old && other.kcv === kcv)),
        },
        isOldDead: row.is_old_dead === 1,
        isClear:
          queues !== undefined &&
          queues.advices + queues.reversals + queues.sales === 0 &&
          (last?.finished_at ?? 0) >= (old.soldAt ?? 0),
        isReportOpen: asked.some(({ state: open }) => ['queued', 'offered', 'running'].includes(open)),
      };
    });
  }

  /** What is over looks at nothing any more. */
  async function decisionOn(on: Queryable, row: Row): Promise<Decision> {
    const [facts] = isOver(row.step) ? [] : await factsOf(on, [row]);
    return facts ? decideSwap(facts) : 'none';
  }

  const viewOf = async (on: Queryable, row: Row): Promise<SwapView> => shown(row, await decisionOn(on, row));

  function shown(row: Row, decision: Decision): SwapView {
    const waitsFor = typeof decision === 'object' ? decision.blocked : (waits[decision] ?? null);
    return {
      id: row.id,
      old: serialOf(row.old),
      new: serialOf(row.fresh),
      step: row.step,
      waitsFor,
      reason: row.reason,
      by: row.by,
      begunAt: isoTime(row.begun_at),
      changedAt: isoTime(row.changed_at),
      isOldDead: row.is_old_dead === 1,
    };
  }

  async function view(id: string): Promise<Result<SwapView, 'SWAP_UNKNOWN'>> {
    const row = await find(store.db, id);
    return row ? ok(await viewOf(store.db, row)) : fail('SWAP_UNKNOWN');
  }

  async function enter(tx: Transaction<Database>, row: Row, step: Row['step']): Promise<void> {
    await tx.updateTable('swaps').set({ step, changed_at: world.clock.now() }).where('id', '=', row.id).execute();
    for (const serial of [row.old, row.fresh])
      await rooms.note(tx, serialOf(serial), 'swap', { swap: row.id, step, old: row.old, new: row.fresh });
  }

  async function standWhere(tx: Transaction<Database>, serial: string, at: string): Promise<void> {
    const { merchant, shop, lane, parent, relay_port } = JSON.parse(at) as Awaited<ReturnType<typeof placeOf>>;
    await tx
      .updateTable('terminals')
      .set({ merchant, shop, lane, parent, relay_port })
      .where('serial', '=', serial)
      .execute();
    await rooms.placed(tx, serialOf(serial));
  }
  const placeOf = (on: Queryable, serial: string) =>
    on
      .selectFrom('terminals')
      .select(['merchant', 'shop', 'lane', 'parent', 'relay_port'])
      .where('serial', '=', serial)
      .executeTakeFirstOrThrow();

  /** The terminal's own values of one unit become those of another; where they are the same already there is no new version. */
  async function copyParameters(from: Serial, to: Serial, by: string): Promise<void> {
    const old = unwrap(await rooms.twin.documents.layer({ layer: 'terminal', serial: from }));
    const now = unwrap(await rooms.twin.documents.layer({ layer: 'terminal', serial: to }));
    const cleared = Object.fromEntries(Object.keys(now.values).map((name) => [name, null]));
    const changed = await rooms.twin.documents.change(
      { layer: 'terminal', serial: to },
      now.version,
      { ...cleared, ...old.values },
      { subject: by, reason: `swap for ${from}` },
    );
    if (!changed.ok) world.log('warn', 'swapParametersRefused', { serial: to, fault: changed.fault });
  }

  /** Writes the floor limit of a unit's own layer; null: it has none of its own. */
  async function setFloor(serial: Serial, from: LayerDocument, floorLimitMinor: SettingValue | null, row: Row) {
    const by = { subject: row.by, reason: `swap ${row.id}` };
    const changed = await rooms.twin.documents.change(
      { layer: 'terminal', serial },
      from.version,
      { floorLimitMinor },
      by,
    );
    if (!changed.ok) world.log('warn', 'swapParametersRefused', { serial, fault: changed.fault });
    return changed.ok;
  }

  /**
   * From here on the old unit asks the centre about every sale: it is a setting, so it knows after a power cut too. What it was set to is
   * written down first, for when the swap is taken back.
   */
  async function hold(row: Row): Promise<void> {
    const serial = serialOf(row.old);
    const own = unwrap(await rooms.twin.documents.layer({ layer: 'terminal', serial }));
    if (own.values['floorLimitMinor'] === 0) return;
    const before = JSON.stringify(own.values['floorLimitMinor'] ?? null);
    await store.write((tx) =>
      tx
        .updateTable('swaps')
        .set({ floor_before: before })
        .where('id', '=', row.id)
        .where('floor_before', 'is', null)
        .execute(),
    );
    await setFloor(serial, own, 0, row);
  }

  /** The swap was taken back: the old unit approves by itself as before, unless somebody set it to something else meanwhile. */
  async function release(row: Row): Promise<void> {
    const serial = serialOf(row.old);
    const own = unwrap(await rooms.twin.documents.layer({ layer: 'terminal', serial }));
    const before = settingValue.nullable().parse(JSON.parse(row.floor_before ?? 'null'));
    if (own.values['floorLimitMinor'] === 0 && !(await setFloor(serial, own, before, row))) return;
    await store.write((tx) => tx.updateTable('swaps').set({ floor_before: null }).where('id', '=', row.id).execute());
  }

  /** One step, in one transaction. True when there may be another. */
  async function step(row: Row, decision: Decision): Promise<boolean> {
    const { id } = row;
    const [old, fresh] = [serialOf(row.old), serialOf(row.fresh)];
    // Values are written before the step that says so: found written, they are not written again.
    if (decision === 'prepare') await copyParameters(old, fresh, row.by);
    if (decision === 'hold') {
      await hold(row);
      return false;
    }
    const done = await store.write(async (tx): Promise<'again' | 'moved' | 'ordered' | 'rest'> => {
      const now = await find(tx, id);
      if (!now || now.step !== row.step) return 'again';
      switch (await decisionOn(tx, now)) {
        case 'prepare':
          await standWhere(tx, fresh, JSON.stringify(await placeOf(tx, old)));
          await enter(tx, now, 'prepared');
          return 'moved';
        case 'order-report':
          await rooms.jobs.queueIn(
            tx,
            old,
            { type: 'terminal.diagnose', params: {} },
            `swap/${id}/${now.step}`,
            `swap:${id}`,
          );
          return 'ordered';
        case 'drained':
          await enter(tx, now, 'drained');
          return 'again';
        case 'hand': {
          const read = parseJson(evidenceSchema, now.evidence, 65_536);
          const reason = `swap ${id}`;
          const by = { subject: now.by };
          const given = read.ok ? read.value : {};
          const taken = await rooms.lifecycle.takeIn(tx, fresh, { to: 'deployed', reason, evidence: given }, by);
          if (!taken.ok) return 'rest';
          unwrap(await rooms.lifecycle.takeIn(tx, old, { to: 'swap', reason }, by));
          await tx.updateTable('terminals').set({ parent: fresh }).where('parent', '=', old).execute();
          await enter(tx, now, 'handed');
          return 'moved';
        }
        case 'close':
          await enter(tx, now, 'closed');
          return 'again';
        default:
          return 'rest';
      }
    });
    if (done === 'ordered') await rooms.jobs.wake(old);
    if (done === 'moved')
      for (const serial of [old, fresh]) {
        await rooms.lifecycle.moved(serial);
        rooms.moved(serial);
      }
    return done === 'again' || done === 'moved';
  }

  async function advance(id: string): Promise<Result<SwapView, 'SWAP_UNKNOWN'>> {
    for (let count = 0; count < stepsMax; count++) {
      const row = await find(store.db, id);
      if (!row) return fail('SWAP_UNKNOWN');
      const decision = await decisionOn(store.db, row);
      const isRest = typeof decision === 'object' || decision === 'wait' || decision === 'none';
      // Most looks find nothing to do; whatever is written is decided once more in its transaction.
      if (isRest) return ok(shown(row, decision));
      if (!(await step(row, decision))) break;
    }
    return await view(id);
  }

  let isTicking = false;
  const ticking = world.timers.every(tickMs, () => {
    if (isTicking) return;
    isTicking = true;
    tick()
      .catch((cause: unknown) => world.log('error', 'swapFailed', { fault: { code: 'INTERNAL', cause } }))
      .finally(() => (isTicking = false));
  });
  async function tick(): Promise<void> {
    const rows = await store.db
      .selectFrom('swaps')
      .select('id')
      .where('step', 'not in', overSteps)
      .limit(listMax)
      .execute();
    for (const { id } of rows) await advance(id);
    // Taken back just before somebody died.
    const unreleased = await store.db
      .selectFrom('swaps')
      .selectAll()
      .where('step', '=', 'aborted')
      .where('floor_before', 'is not', null)
      .limit(listMax)
      .execute();
    for (const row of unreleased) await release(row);
  }

  return {
    view,
    advance,
    async start({ old, new: fresh, reason, evidence }, by) {
      const begun = await store.write(async (tx): Promise<Result<string, StartFault>> => {
        const rows = await tx
          .selectFrom('terminals')
          .select(['serial', 'model', 'lifecycle'])
          .where('serial', 'in', [old, fresh])
          .execute();
        const [had, has] = [rows.find((row) => row.serial === old), rows.find((row) => row.serial === fresh)];
        if (!had || !has) return fail('TERMINAL_UNKNOWN', { facts: { serial: had ? fresh : old } });
        if (old === fresh || had.lifecycle !== 'deployed' || has.lifecycle !== 'in-transit')
          return fail('SWAP_UNFIT', { facts: { old: had.lifecycle, new: has.lifecycle } });
        const child = await tx.selectFrom('terminals').select('serial').where('parent', '=', old).executeTakeFirst();
        if (child && modelOf(has.model)?.relay !== 'parent') return fail('PARENT_UNSUITABLE', { field: 'new' });
        const open = await tx
          .selectFrom('swaps')
          .select('id')
          .where('step', 'not in', overSteps)
          .where((where) => where.or([where('old', 'in', [old, fresh]), where('fresh', 'in', [old, fresh])]))
          .executeTakeFirst();
        if (open) return fail('SWAP_OPEN', { facts: { swap: open.id } });
        const entry = await rooms.lifecycle.judgeIn(tx, fresh, { to: 'deployed', reason, evidence });
        if (!entry.ok) return entry;
        const now = world.clock.now();
        const row: Row = {
          id: world.id(),
          old,
          fresh,
          step: 'begun',
          reason,
          by: by.subject,
          begun_at: now,
          changed_at: now,
          is_old_dead: 0,
          evidence: JSON.stringify(evidence),
          came_from: JSON.stringify(await placeOf(tx, fresh)),
          floor_before: null,
        };
        await tx.insertInto('swaps').values(row).execute();
        await enter(tx, row, 'begun');
        return ok(row.id);
      });
      if (!begun.ok) return begun;
      return ok(unwrap(await advance(begun.value)));
    },
    async list({ isOpen }, page) {
      const all = store.db.selectFrom('swaps').selectAll();
      const query = isOpen ? all.where('step', 'not in', overSteps) : all;
      const found = await pageOn(query, newestFirst('begun_at', 'id'), page);
      if (!found.ok) return found;
      const open = found.value.items.filter((row) => !isOver(row.step));
      const facts = open.length === 0 ? [] : await factsOf(store.db, open);
      const decisions = new Map(facts.map((each, index) => [open[index]?.id, decideSwap(each)]));
      return viewPage(found, (row) => shown(row, decisions.get(row.id) ?? 'none'));
    },
    async oldIsDead(id, by) {
      await store.write(async (tx) => {
        const row = await find(tx, id);
        if (!row || row.is_old_dead === 1) return;
        await tx.updateTable('swaps').set({ is_old_dead: 1 }).where('id', '=', id).execute();
        await rooms.note(tx, serialOf(row.old), 'swap', { swap: id, dead: true, by: by.subject });
      });
      return await advance(id);
    },
    async abort(id, by) {
      const done = await store.write(async (tx): Promise<Result<Row | undefined, 'SWAP_UNKNOWN' | 'SWAP_TOO_LATE'>> => {
        const row = await find(tx, id);
        if (!row) return fail('SWAP_UNKNOWN');
        if (row.step === 'aborted') return ok(undefined);
        if (!mayAbort(row.step)) return fail('SWAP_TOO_LATE', { facts: { step: row.step } });
        await standWhere(tx, row.fresh, row.came_from);
        await enter(tx, row, 'aborted');
        world.log('info', 'swapAborted', { swap: id, by: by.subject });
        return ok(row);
      });
      if (!done.ok) return done;
      if (done.value) {
        rooms.moved(serialOf(done.value.fresh));
        if (done.value.floor_before !== null) await release(done.value);
      }
      return await view(id);
    },
    close: () => ticking.cancel(),
  };
}
