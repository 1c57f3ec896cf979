import { parseJson, serialSchema, type WorkOrderView } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { addEntry, freshOrder, type WorkEntry, workEntry, type WorkOrder } from '@tsunagu/protocols/refurbish';
import type { Selectable } from 'kysely';
import { isoTime, type Queryable } from '../store/index.ts';
import type { RefurbishTables } from './tables.ts';

/** The longest entry, in characters of JSON: an attestation is within it. */
export const entryCharactersMax = 262_144;
/** Orders whose entries are read in one statement. */
const ordersMax = 500;

/** Something that was done, as it was noted. */
export interface NotedEntry {
  readonly id: string;
  readonly at: string;
  readonly by: string;
  readonly isPassed: boolean;
  readonly entry: WorkEntry;
}

const notedOf = (row: Selectable<RefurbishTables['work_entries']>): NotedEntry => ({
  id: row.id,
  at: isoTime(row.at),
  by: row.by,
  isPassed: row.is_passed === 1,
  entry: unwrap(parseJson(workEntry, row.entry, entryCharactersMax)),
});

/** The entries of several orders, oldest first, in few statements. An order without any is not in it. */
export async function entriesOfAll(on: Queryable, ids: readonly string[]): Promise<Map<string, NotedEntry[]>> {
  const found = new Map<string, NotedEntry[]>();
  for (let begin = 0; begin < ids.length; begin += ordersMax) {
    const some = ids.slice(begin, begin + ordersMax);
    const rows = await on.selectFrom('work_entries').selectAll().where('work', 'in', some).orderBy('seq').execute();
    for (const row of rows) {
      const known = found.get(row.work);
      if (known === undefined) found.set(row.work, [notedOf(row)]);
      else known.push(notedOf(row));
    }
  }
  return found;
}

/** The entries of one order, oldest first. */
export const entriesOf = async (on: Queryable, id: string): Promise<readonly NotedEntry[]> =>
  (await entriesOfAll(on, [id])).get(id) ?? [];

/** An order as its entries make it. */
export const fold = (entries: readonly NotedEntry[]): WorkOrder =>
  entries.reduce((order, { entry, isPassed }) => unwrap(addEntry(order, entry, isPassed)), freshOrder);

/** An order as it is shown. */
export function viewWith(
  row: Selectable<RefurbishTables['work_orders']>,
  entries: readonly NotedEntry[],
): WorkOrderView {
  const { fault = null, costYen, minutes, hasPassedTest, isAtVendor, outcome, replacedBy, grade } = fold(entries);
  return {
    id: row.id,
    serial: serialSchema.parse(row.serial),
    intake: row.intake,
    reported: row.reported,
    isUnderWarranty: row.warranty_until !== null && Date.parse(row.warranty_until) >= row.opened_at,
    openedAt: isoTime(row.opened_at),
    openedBy: row.opened_by,
    closedAt: row.closed_at === null ? null : isoTime(row.closed_at),
    fault,
    costYen,
    minutes,
    hasPassedTest,
    isAtVendor,
    outcome,
    replacedBy,
    grade,
    entries: entries.map(({ id, at, by, isPassed, entry }) => ({
      id,
      at,
      by,
      kind: entry.kind,
      says: entry.kind === 'bench-test' ? (isPassed ? 'passed' : 'failed') : JSON.stringify(entry),
    })),
  };
}
