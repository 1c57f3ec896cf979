import { type PartStockView, serialSchema, type StockEntry } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { isLow, moveStock, noStock, type StockMove } from '@tsunagu/protocols/refurbish';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import {
  type Database,
  highestFirst,
  isoTime,
  type Page,
  type PageRequest,
  type Queryable,
  inAlphabet,
  pageOn,
  viewPage,
} from '../store/index.ts';
import type { RefurbishTables } from './tables.ts';

/** Which bought parts: those only of which there are too few. */
export interface StockFilter {
  readonly isLow?: boolean;
}
type StockFault = 'STOCK_BELOW_ZERO' | 'STOCK_UNCHANGED' | 'STOCK_TOO_LARGE';

const viewOf = (row: Selectable<RefurbishTables['stock_parts']>): PartStockView => ({
  part: row.part,
  count: row.count,
  minimum: row.minimum,
  isLow: isLow(row),
  countedAt: row.counted_at === null ? null : isoTime(row.counted_at),
  changedAt: isoTime(row.changed_at),
});

/** What a person is told of a move, and nobody reckons with. */
function saysOf(move: StockMove | FittedPart): string {
  switch (move.kind) {
    case 'received':
      return move.receipt;
    case 'counted':
      return '';
    case 'adjusted':
      return move.reason;
    case 'minimum':
      return String(move.minimum);
    case 'fitted':
      return move.work;
  }
}

/** A bought part goes into a terminal. */
export interface FittedPart {
  readonly kind: 'fitted';
  readonly part: string;
  readonly work: string;
}

/** A stock after a move. */
export interface MovedStock extends PartStockView {
  /** Whether it is below its minimum by this move. */
  readonly hasFallenLow: boolean;
}

/** How many bought parts there are too few of. */
export async function lowStock(on: Queryable): Promise<number> {
  const { count } = await on
    .selectFrom('stock_parts')
    .select((all) => all.fn.countAll<number>().as('count'))
    .whereRef('count', '<', 'minimum')
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Writes down what was done to a stock, after all that was done to it before. */
export async function noteStock(
  { clock, id }: Pick<World, 'clock' | 'id'>,
  tx: Transaction<Database>,
  move: StockMove | FittedPart,
  by: string,
): Promise<Result<MovedStock, StockFault>> {
  const { part, kind } = move;
  const row = await tx.selectFrom('stock_parts').selectAll().where('part', '=', part).executeTakeFirst();
  const before = row ?? noStock;
  const after = moveStock(before, move);
  if (!after.ok) return fail(after.fault.code, { ...after.fault, facts: { part, ...after.fault.facts } });
  const at = clock.now();
  const { count, minimum } = after.value;
  const next = { count, minimum, changed_at: at, counted_at: kind === 'counted' ? at : (row?.counted_at ?? null) };
  await tx
    .insertInto('stock_parts')
    .values({ part, ...next })
    .onConflict((known) => known.column('part').doUpdateSet(next))
    .execute();
  const { seq } = await tx
    .selectFrom('stock_moves')
    .select((all) => all.fn.max<number | null>('seq').as('seq'))
    .where('part', '=', part)
    .executeTakeFirstOrThrow();
  await tx
    .insertInto('stock_moves')
    .values({
      id: id(),
      part,
      seq: (seq ?? 0) + 1,
      at,
      by,
      kind,
      change: count - before.count,
      count,
      says: saysOf(move),
    })
    .execute();
  return ok({ ...viewOf({ part, ...next }), hasFallenLow: isLow(after.value) && !isLow(before) });
}

/** Bought parts by their number. */
export async function listStock(
  on: Queryable,
  { isLow: onlyLow = false }: StockFilter,
  page: PageRequest,
): Promise<Result<Page<PartStockView>, 'INPUT_INVALID'>> {
  let query = on.selectFrom('stock_parts').selectAll();
  if (onlyLow) query = query.whereRef('count', '<', 'minimum');
  return viewPage(await pageOn(query, inAlphabet('part'), page), viewOf);
}

/** What was done to the stock of a part, newest first. */
export async function listStockMoves(
  on: Queryable,
  part: string,
  page: PageRequest,
): Promise<Result<Page<StockEntry>, 'INPUT_INVALID' | 'STOCK_UNKNOWN'>> {
  const known = await on.selectFrom('stock_parts').select('part').where('part', '=', part).executeTakeFirst();
  if (!known) return fail('STOCK_UNKNOWN', { field: 'part', facts: { part } });
  const all = on
    .selectFrom('stock_moves')
    .leftJoin('work_orders', (join) =>
      join.onRef('work_orders.id', '=', 'stock_moves.says').on('stock_moves.kind', '=', 'fitted'),
    )
    .selectAll('stock_moves')
    .select('work_orders.serial')
    .where('part', '=', part);
  return viewPage(
    await pageOn(all, highestFirst('seq'), page),
    ({ id, part: moved, at, by, kind, change, count, says, serial }): StockEntry => ({
      id,
      part: moved,
      at: isoTime(at),
      by,
      kind,
      change,
      count,
      says,
      serial: serial === null ? null : serialSchema.parse(serial),
    }),
  );
}
