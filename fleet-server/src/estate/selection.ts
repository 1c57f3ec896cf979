import type { LinkState, Place, Serial, TerminalSummary, terminalSorts } from '@tsunagu/protocols/fleet';
import { serialSchema } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { sql, type SqlBool, type Transaction } from 'kysely';
import {
  type Database,
  type Page,
  type PageRequest,
  type Store,
  inAlphabet,
  oldestFirst,
  pageOn,
  viewPage,
} from '../store/index.ts';
import { summaryOf, summaryRows, type Targets } from './summary.ts';

/** As many as one transaction changes, and one statement names: others wait no longer than for that. */
const chunk = 100;

const isSerial = (text: string): boolean => serialSchema.safeParse(text).success;
/** What terminals are put in order by. */
const orders = {
  serial: inAlphabet('terminals.serial', isSerial),
  registered: oldestFirst('terminals.registered_at', 'terminals.serial', (at, serial) => at >= 0 && isSerial(serial)),
};

/** What terminals are looked for by. */
export interface TerminalFilter {
  readonly model?: string | undefined;
  readonly link?: LinkState | undefined;
  readonly merchant?: string | undefined;
  readonly shop?: string | undefined;
  readonly parent?: string | undefined;
  readonly tag?: string | undefined;
  readonly search?: string | undefined;
  /** `merchant` or `merchant/shop`: only terminals there. */
  readonly places?: readonly string[] | undefined;
}
export type TerminalSort = (typeof terminalSorts)[number];

/** Many terminals at once: found, read, placed and labelled. */
export interface Selection {
  list(
    page: PageRequest & { readonly filter?: TerminalFilter; readonly sort?: TerminalSort },
  ): Promise<Result<Page<TerminalSummary>, 'INPUT_INVALID'>>;
  /** The serials that a filter finds; BULK_TOO_MANY beyond `max`. */
  find(filter: TerminalFilter, max: number): Promise<Result<readonly Serial[], 'BULK_TOO_MANY'>>;
  summaries(serials: readonly Serial[]): Promise<ReadonlyMap<Serial, TerminalSummary>>;
  /** Writes a place, some hundred terminals a transaction. */
  place(serials: readonly Serial[], place: Place): Promise<void>;
  tag(serials: readonly Serial[], add: readonly string[], remove: readonly string[]): Promise<void>;
}

/** What follows from work on many terminals. */
export interface SelectionRooms {
  readonly store: Store;
  readonly targets: () => Targets;
  /** Says of a terminal that it was changed, in the transaction that changes it. */
  readonly note: (tx: Transaction<Database>, serial: Serial) => Promise<void>;
  /** Computes in the transaction that moves a terminal what is desired of it at its new place. */
  readonly placed: (tx: Transaction<Database>, serial: Serial) => Promise<void>;
  /** Called after the commit for each terminal that was moved. */
  readonly moved: (serial: Serial) => void;
}

export function openSelection({ store, targets, note, placed, moved }: SelectionRooms): Selection {
  const chunks = (serials: readonly Serial[]): Serial[][] =>
    Array.from({ length: Math.ceil(serials.length / chunk) }, (_, index) =>
      serials.slice(index * chunk, (index + 1) * chunk),
    );

  /** The conditions of a filter, on `terminals` joined with `presence`. */
  function conditions(filter: TerminalFilter) {
    const wanted = [sql<SqlBool>`1 = 1`];
    for (const column of ['model', 'merchant', 'shop', 'parent'] as const)
      if (filter[column] !== undefined) wanted.push(sql`${sql.ref(`terminals.${column}`)} = ${filter[column]}`);
    if (filter.link !== undefined) wanted.push(sql`coalesce(presence.state, 'never') = ${filter.link}`);
    if (filter.search !== undefined)
      wanted.push(sql`terminals.serial >= ${filter.search} and terminals.serial < ${`${filter.search}\u{10ffff}`}`);
    if (filter.tag !== undefined)
      wanted.push(
        sql`exists (select 1 from terminal_tags where terminal_tags.serial = terminals.serial and terminal_tags.tag = ${filter.tag})`,
      );
    if (filter.places !== undefined)
      wanted.push(
        sql`(terminals.merchant in (${sql.join(filter.places)}) or terminals.merchant || '/' || terminals.shop in (${sql.join(filter.places)}))`,
      );
    return sql<SqlBool>`${sql.join(wanted, sql` and `)}`;
  }

  return {
    async list({ filter = {}, sort = 'serial', ...page }) {
      const query = summaryRows(store.db, targets().negative.list)
        .select('terminals.registered_at')
        .where(conditions(filter));
      const order = { ...orders[sort.endsWith('registered') ? 'registered' : 'serial'], isDown: sort.startsWith('-') };
      return viewPage(await pageOn(query, order, page), summaryOf);
    },

    async find(filter, max) {
      const rows = await store.db
        .selectFrom('terminals')
        .leftJoin('presence', 'presence.serial', 'terminals.serial')
        .select('terminals.serial')
        .where(conditions(filter))
        .orderBy('terminals.serial')
        .limit(max + 1)
        .execute();
      if (rows.length > max) return fail('BULK_TOO_MANY', { facts: { max } });
      return ok(rows.map(({ serial }) => serialSchema.parse(serial)));
    },

    async summaries(serials) {
      const found = new Map<Serial, TerminalSummary>();
      for (const part of chunks(serials))
        for (const row of await summaryRows(store.db, targets().negative.list)
          .where('terminals.serial', 'in', part)
          .execute()) {
          const summary = summaryOf(row);
          found.set(summary.serial, summary);
        }
      return found;
    },

    async place(serials, { merchant, shop, lane }) {
      for (const part of chunks(serials)) {
        await store.write(async (tx) => {
          await tx.updateTable('terminals').set({ merchant, shop, lane }).where('serial', 'in', part).execute();
          for (const serial of part) {
            await placed(tx, serial);
            await note(tx, serial);
          }
        });
        for (const serial of part) moved(serial);
      }
    },

    async tag(serials, add, remove) {
      for (const part of chunks(serials))
        await store.write(async (tx) => {
          for (const tag of add)
            await tx
              .insertInto('terminal_tags')
              .values(part.map((serial) => ({ serial, tag })))
              .onConflict((conflict) => conflict.doNothing())
              .execute();
          if (remove.length > 0)
            await tx.deleteFrom('terminal_tags').where('serial', 'in', part).where('tag', 'in', remove).execute();
          for (const serial of part) await note(tx, serial);
        });
    },
  };
}
