import { modelOf } from '@tsunagu/protocols/catalogue';
import {
  type DeathCertificate,
  type HarvestedPart,
  type KeyRecord,
  type PartStockView,
  type Serial,
  serialSchema,
  type StockEntry,
  type WipeCertificate,
  type WorkOrderView,
} from '@tsunagu/protocols/fleet';
import { fail, FaultError, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import {
  addEntry,
  figuresOf,
  type OpenWork,
  type StockMove,
  type WorkEntry,
  type WorkOrder,
  type WorkshopFigures,
} from '@tsunagu/protocols/refurbish';
import { coverageOf, openAttestation, type OpenedAttestation, totalsOf } from '@tsunagu/protocols/workshop';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import type { Actor } from '../audit/index.ts';
import { type Estate, type Lifecycle, type MoveFault, type Note, stepsOfLives } from '../estate/index.ts';
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
import { deathCertificateOf, type DeathFault } from './death-certificate.ts';
import { entriesOf, entriesOfAll, fold, viewWith } from './orders.ts';
import { listParts, type PartFilter } from './parts.ts';
import { listStock, listStockMoves, lowStock, noteStock, type StockFilter } from './stock.ts';
import type { RefurbishTables } from './tables.ts';
import { wipeCertificateOf } from './wipe-certificate.ts';

const dayMs = 86_400_000;
type Row = Selectable<RefurbishTables['work_orders']>;

export interface RefurbishRooms {
  readonly world: Pick<World, 'clock' | 'id'>;
  readonly store: Store;
  readonly note: Note;
  readonly sign: (payload: object) => KeyRecord;
  /** Puts what a vendor sent for another unit on the inventory. */
  readonly enlist: Estate['enlist'];
  readonly lifecycle: () => Pick<Lifecycle, 'moveIn' | 'moved'>;
}

type EntryFault =
  | 'WORK_UNKNOWN'
  | 'WORK_CLOSED'
  | 'WORK_AT_VENDOR'
  | 'WORK_NOT_READY'
  | 'WORK_PART_UNKNOWN'
  | 'WORK_TEST_FOREIGN'
  | 'WORK_TEST_UNVOUCHED'
  | 'CUSTODY_HOLDER_REVOKED'
  | 'WORK_REPLACEMENT_UNNAMED'
  | 'STOCK_BELOW_ZERO'
  | 'STOCK_UNCHANGED'
  | 'STOCK_TOO_LARGE'
  | MoveFault
  | 'ATTESTATION_INVALID'
  | 'ATTESTATION_NOT_AUTHENTIC';

/** A certificate of death as it is read, and as it is handed on. */
export interface Death {
  readonly certificate: DeathCertificate;
  readonly record: KeyRecord;
}

/** The refurbish workshop: what comes in, what is done to it, and what came of it. */
export interface Refurbish {
  open(
    intake: OpenWork,
    by: Actor,
  ): Promise<Result<WorkOrderView, 'TERMINAL_UNKNOWN' | 'WORK_OPEN' | 'WORK_NOT_READY'>>;
  /** Takes in what has to come in, in the transaction that finds it out, whatever its state. @returns the order's id; that of the open one where there is one */
  takeIn(tx: Transaction<Database>, intake: OpenWork, by: Actor): Promise<string>;
  /** Notes what was done. Thrown: TERMINAL_EXISTS, MODEL_UNKNOWN of what a vendor sent instead. */
  add(id: string, entry: WorkEntry, by: Actor): Promise<Result<WorkOrderView, EntryFault>>;
  view(id: string): Promise<Result<WorkOrderView, 'WORK_UNKNOWN'>>;
  /** Newest first: all of them, or those that are not closed. */
  list(filter: { readonly isOpen: boolean }, page: PageRequest): Promise<Result<Page<WorkOrderView>, 'INPUT_INVALID'>>;
  /** Parts that were taken out of terminals, and what became of each. */
  parts(filter: PartFilter, page: PageRequest): Promise<Result<Page<HarvestedPart>, 'INPUT_INVALID'>>;
  figures(from: number, to: number): Promise<WorkshopFigures>;
  /** Bought parts, and how many lie there. */
  /** How many bought parts there are too few of. */
  lowStock(): Promise<number>;
  stock(filter: StockFilter, page: PageRequest): Promise<Result<Page<PartStockView>, 'INPUT_INVALID'>>;
  /** What was done to the stock of a bought part, newest first. */
  stockMoves(part: string, page: PageRequest): Promise<Result<Page<StockEntry>, 'INPUT_INVALID' | 'STOCK_UNKNOWN'>>;
  moveStock(
    move: StockMove,
    by: Actor,
  ): Promise<Result<PartStockView, 'STOCK_BELOW_ZERO' | 'STOCK_UNCHANGED' | 'STOCK_TOO_LARGE'>>;
  /**
   * What became of a terminal that was scrapped, and the same as the house signs it. DEATH_UNKNOWN: it was not. DEATH_IN_DOUBT: it is not any more.
   * LIFECYCLE_KEYS_LIVE: keys of it count.
   */
  death(serial: Serial): Promise<Result<Death, DeathFault>>;
  /** The certificate of its last wipe. */
  wiped(serial: Serial): Promise<Result<WipeCertificate, 'WIPE_UNKNOWN'>>;
  /** Whether a test at the bench is this terminal's and passed. */
  benchTestPassed(on: Queryable, serial: Serial, test: string): Promise<boolean>;
}

/** Whether two attestations say the same, however their JSON is written. */
function isSameTest(one: string, other: string): boolean {
  const [known, given] = [openAttestation(one), openAttestation(other)];
  return known.ok && given.ok && JSON.stringify(known.value.attestation) === JSON.stringify(given.value.attestation);
}

export function openRefurbish({ world, store, note, sign, enlist, lifecycle }: RefurbishRooms): Refurbish {
  const find = (on: Queryable, id: string) =>
    on.selectFrom('work_orders').selectAll().where('id', '=', id).executeTakeFirst();
  /** The order of a terminal that is not closed. */
  const openOf = async (tx: Transaction<Database>, serial: Serial): Promise<string | undefined> =>
    (
      await tx
        .selectFrom('work_orders')
        .select('id')
        .where('serial', '=', serial)
        .where('closed_at', 'is', null)
        .executeTakeFirst()
    )?.id;

  async function insert(
    tx: Transaction<Database>,
    id: string,
    { serial, intake, reported, warrantyUntil }: OpenWork,
    by: Actor,
  ): Promise<void> {
    await tx
      .insertInto('work_orders')
      .values({
        id,
        serial,
        intake,
        reported: reported ?? null,
        warranty_until: warrantyUntil ?? null,
        opened_at: world.clock.now(),
        opened_by: by.subject,
        closed_at: null,
      })
      .execute();
    await note(tx, serial, 'work-order', { work: id, opened: true, by: by.subject });
  }

  /** Opens a test by the key of a bench that is registered here: a file that vouches for itself is nobody's word. */
  async function openByBench(text: string): Promise<Result<OpenedAttestation, EntryFault>> {
    const claimed = openAttestation(text);
    if (!claimed.ok) return claimed;
    const { kid } = claimed.value;
    const bench = await store.db
      .selectFrom('custody_holders')
      .select(['public_key', 'revoked_at'])
      .where('kid', '=', kid)
      .executeTakeFirst();
    if (!bench) return fail('WORK_TEST_UNVOUCHED', { facts: { kid } });
    if (bench.revoked_at !== null) return fail('CUSTODY_HOLDER_REVOKED', { facts: { kid } });
    return openAttestation(text, Uint8Array.from(Buffer.from(bench.public_key, 'base64')));
  }

  const viewOf = async (on: Queryable, row: Row): Promise<WorkOrderView> => viewWith(row, await entriesOf(on, row.id));

  async function view(id: string): Promise<Result<WorkOrderView, 'WORK_UNKNOWN'>> {
    const row = await find(store.db, id);
    return row ? ok(await viewOf(store.db, row)) : fail('WORK_UNKNOWN');
  }

  /** What its vendor sent comes on the inventory, and the end of what it kept is asked of a second person. */
  async function replace(
    tx: Transaction<Database>,
    serial: Serial,
    { replacedBy, vendor }: WorkOrder,
    { replacement, evidence = {} }: Extract<WorkEntry, { kind: 'rma-in' }>,
    by: Actor,
  ): Promise<Result<void, EntryFault>> {
    if (replacement === undefined || replacedBy === null || vendor === null) return fail('WORK_REPLACEMENT_UNNAMED');
    // Who kept it disposes of it; nobody here weighed it.
    const recycling = { recycler: vendor.name, receipt: vendor.number, batteryGrams: 0 };
    const reason = `RMA ${vendor.number}: ${replacedBy}`;
    const ending = await lifecycle().moveIn(
      tx,
      serial,
      { to: 'scrap', reason, evidence: { ...evidence, recycling } },
      by,
    );
    if (!ending.ok) return ending;
    const enlisted = await enlist(tx, { serial: replacement.serial, replaces: serial, model: replacement.model }, by);
    // Thrown, so that nothing of what was asked for is kept.
    if (!enlisted.ok) throw new FaultError(enlisted.fault);
    return ok(undefined);
  }

  return {
    view,
    async open(intake, by) {
      const { serial } = intake;
      const id = world.id();
      const opened = await store.write(
        async (tx): Promise<Result<void, 'TERMINAL_UNKNOWN' | 'WORK_OPEN' | 'WORK_NOT_READY'>> => {
          const terminal = await tx
            .selectFrom('terminals')
            .select('lifecycle')
            .where('serial', '=', serial)
            .executeTakeFirst();
          if (!terminal) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
          if (!['returned', 'inspected', 'refurbish', 'wipe'].includes(terminal.lifecycle))
            return fail('WORK_NOT_READY', { facts: { state: terminal.lifecycle, wants: 'returned' } });
          const other = await openOf(tx, serial);
          if (other !== undefined) return fail('WORK_OPEN', { facts: { work: other } });
          await insert(tx, id, intake, by);
          return ok(undefined);
        },
      );
      return opened.ok ? ok(unwrap(await view(id))) : opened;
    },
    async takeIn(tx, intake, by) {
      const other = await openOf(tx, intake.serial);
      if (other !== undefined) return other;
      const id = world.id();
      await insert(tx, id, intake, by);
      return id;
    },
    async add(id, entry, by) {
      let isPassed = false;
      if (entry.kind === 'bench-test') {
        const opened = await openByBench(entry.attestation);
        if (!opened.ok) return opened;
        if (opened.value.attestation.nonce !== id) return fail('WORK_TEST_FOREIGN', { facts: { wants: id } });
        const { failed } = totalsOf(opened.value.attestation);
        isPassed = failed === 0 && coverageOf(opened.value.attestation).isEnough;
      }
      return await store.write(async (tx): Promise<Result<WorkOrderView, EntryFault>> => {
        const row = await find(tx, id);
        if (!row) return fail('WORK_UNKNOWN');
        const entries = await entriesOf(tx, id);
        // What was noted before, and only then changed, is not a test of what it is now.
        const isNotedBefore = entries.some(
          ({ entry: known }) =>
            known.kind === 'bench-test' &&
            entry.kind === 'bench-test' &&
            isSameTest(known.attestation, entry.attestation),
        );
        if (isNotedBefore) return fail('WORK_TEST_FOREIGN', { facts: { wants: id } });
        if (entry.kind === 'rma-in' && (entry.outcome === 'replaced') !== (entry.replacement !== undefined))
          return fail('WORK_REPLACEMENT_UNNAMED', { field: 'replacement' });
        const next = addEntry(fold(entries), entry, isPassed);
        if (!next.ok) return next;
        if (entry.kind === 'rma-out') {
          // From nowhere else does a way lead to its end, and nobody can look at what is not there.
          const { lifecycle: state } = await tx
            .selectFrom('terminals')
            .select('lifecycle')
            .where('serial', '=', row.serial)
            .executeTakeFirstOrThrow();
          if (state !== 'refurbish' && state !== 'wipe')
            return fail('WORK_NOT_READY', { facts: { state, wants: 'refurbish' } });
        }
        if (entry.kind === 'rma-in' && next.value.outcome === 'replaced') {
          const replaced = await replace(tx, serialSchema.parse(row.serial), next.value, entry, by);
          if (!replaced.ok) return replaced;
        }
        const at = world.clock.now();
        const entryId = world.id();
        if (entry.kind === 'part-fitted' && entry.from !== null) {
          const { part, from } = entry;
          const lying = await tx
            .selectFrom('work_parts')
            .select('id')
            .where('part', '=', part)
            .where('from_serial', '=', from)
            .where('fitted_by', 'is', null)
            .executeTakeFirst();
          if (!lying) return fail('WORK_PART_UNKNOWN', { field: 'from', facts: { part, from } });
          await tx.updateTable('work_parts').set({ fitted_by: entryId }).where('id', '=', lying.id).execute();
        }
        if (entry.kind === 'part-fitted' && entry.from === null) {
          const taken = await noteStock(world, tx, { kind: 'fitted', part: entry.part, work: id }, by.subject);
          if (!taken.ok) return taken;
          const { part, count, minimum, hasFallenLow } = taken.value;
          // Told where the last one went: whoever hears of terminals hears of it. Who moves a stock by hand is told by the answer.
          if (hasFallenLow)
            await note(tx, serialSchema.parse(row.serial), 'alarm', { code: 'STOCK_LOW', part, count, minimum });
        }
        if (entry.kind === 'part-harvested')
          await tx
            .insertInto('work_parts')
            .values({ id: entryId, part: entry.part, from_serial: row.serial, fitted_by: null })
            .execute();
        await tx
          .insertInto('work_entries')
          .values({
            id: entryId,
            work: id,
            seq: entries.length + 1,
            at,
            by: by.subject,
            entry: JSON.stringify(entry),
            is_passed: isPassed ? 1 : 0,
          })
          .execute();
        const { outcome, grade } = next.value;
        const isClosed = outcome !== null && row.closed_at === null;
        if (isClosed) {
          await tx.updateTable('work_orders').set({ closed_at: at }).where('id', '=', id).execute();
          const facts = { work: id, outcome, grade, by: by.subject };
          await note(tx, serialSchema.parse(row.serial), 'work-order', facts);
        }
        const closed_at = isClosed ? at : row.closed_at;
        const written = { id: entryId, at: isoTime(at), by: by.subject, isPassed, entry };
        return ok(viewWith({ ...row, closed_at }, [...entries, written]));
      });
    },
    async list({ isOpen }, page) {
      const all = store.db.selectFrom('work_orders').selectAll();
      const query = isOpen ? all.where('closed_at', 'is', null) : all;
      const found = await pageOn(query, newestFirst('opened_at', 'id'), page);
      if (!found.ok) return found;
      const entries = await entriesOfAll(
        store.db,
        found.value.items.map(({ id }) => id),
      );
      return viewPage(found, (row) => viewWith(row, entries.get(row.id) ?? []));
    },
    parts: (filter, page) => listParts(store.db, filter, page),
    async figures(from, to) {
      const rows = await store.db
        .selectFrom('work_orders')
        .innerJoin('terminals', 'terminals.serial', 'work_orders.serial')
        .select(['work_orders.id', 'work_orders.serial', 'opened_at', 'closed_at', 'model'])
        .where('closed_at', '>=', from)
        .where('closed_at', '<', to)
        .execute();
      const entries = await entriesOfAll(
        store.db,
        rows.map(({ id }) => id),
      );
      const lives = await stepsOfLives(store.db, [...new Set(rows.map(({ serial }) => serial))]);
      return figuresOf(
        rows.map((row) => {
          const later = (lives.get(row.serial) ?? []).filter(({ at }) => at >= row.opened_at);
          const out = later.find(({ to }) => to === 'redeploy' || to === 'scrap');
          return {
            order: fold(entries.get(row.id) ?? []),
            days: ((out?.at ?? row.closed_at ?? row.opened_at) - row.opened_at) / dayMs,
            massGrams: modelOf(row.model)?.massGrams ?? 0,
            cameOf: out === undefined ? null : out.to === 'redeploy' ? 'redeployed' : 'scrapped',
          };
        }),
      );
    },
    stock: (filter, page) => listStock(store.db, filter, page),
    lowStock: () => lowStock(store.db),
    stockMoves: (part, page) => listStockMoves(store.db, part, page),
    moveStock: (move, by) => store.write((tx) => noteStock(world, tx, move, by.subject)),
    async death(serial) {
      const certificate = await deathCertificateOf(store.db, serial);
      if (!certificate.ok) return certificate;
      return ok({ certificate: certificate.value, record: sign({ record: 'death', death: certificate.value }) });
    },
    wiped: (serial) => wipeCertificateOf(store.db, serial),
    async benchTestPassed(on, serial, test) {
      const row = await on
        .selectFrom('work_entries')
        .innerJoin('work_orders', 'work_orders.id', 'work_entries.work')
        .select(['is_passed', 'work', 'seq'])
        .where('work_entries.id', '=', test)
        .where('serial', '=', serial)
        .executeTakeFirst();
      if (row?.is_passed !== 1) return false;
      // What was changed after the test is not what was tested.
      return fold(await entriesOf(on, row.work)).hasPassedTest;
    },
  };
}
