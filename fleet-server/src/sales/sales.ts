import { type Overview, type SaleLine, type SaleResult, type Serial, serialSchema } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable } from 'kysely';
import type { LiveHub } from '../live/index.ts';
import { boundedLimit, isoTime, keyOfCursor, type Page, type PageRequest, pageOf, type Store } from '../store/index.ts';
import type { SalesTables } from './tables.ts';

/** Where a list of sales goes on: below this moment, and below this id among the sales of that moment. */
interface Before {
  readonly at: number;
  readonly id: string;
}

/** What the switch journalled, in the same order. */
export interface SwitchedSales {
  sales(before: Before | undefined, limit: number, serial?: Serial): Promise<readonly SaleLine[]>;
  totals(since: number): Promise<Omit<Overview['sales'], 'refused'>>;
  links(): Overview['links'];
}

/** The live feed's memory: the switch's journal and what terminals decided by themselves, in one list. */
export interface Sales {
  /** Stores a sale that never reached the switch. One that did is in its journal already, and is left to it. */
  ended(serial: Serial, sale: SaleResult, messageId: string): Promise<void>;
  /** Newest first. */
  list(page: PageRequest & { readonly serial?: Serial }): Promise<Result<Page<SaleLine>, 'INPUT_INVALID'>>;
  /** The last five minutes. */
  summary(): Promise<Overview['sales']>;
}

const summaryMs = 5 * 60_000;

export function openSales(
  world: Pick<World, 'clock'>,
  store: Store,
  live: LiveHub,
  switched: () => SwitchedSales | undefined,
): Sales {
  async function own(before: Before | undefined, limit: number, serial?: Serial): Promise<readonly SaleLine[]> {
    let query = store.db.selectFrom('terminal_sales').selectAll();
    if (serial !== undefined) query = query.where('serial', '=', serial);
    if (before)
      query = query.where((where) =>
        where.or([where('at', '<', before.at), where.and([where('at', '=', before.at), where('id', '<', before.id)])]),
      );
    const rows = await query.orderBy('at', 'desc').orderBy('id', 'desc').limit(limit).execute();
    return rows.map(lineOf);
  }

  return {
    async ended(serial, sale, messageId) {
      // With a trace number there was a message: the switch knows that sale, or will have it reversed.
      if (sale.stan !== '') return;
      const row = {
        id: messageId,
        serial,
        at: world.clock.now(),
        outcome: sale.outcome,
        amount_minor: sale.amountMinor,
        currency: sale.currency,
        scheme: sale.scheme,
        entry: sale.entry,
        last_four: sale.lastFour,
        reason: sale.reason ?? null,
        duration_ms: sale.durationMs,
      };
      const stored = await store.db
        .insertInto('terminal_sales')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if (stored.numInsertedOrUpdatedRows === 1n) live.publish({ name: 'sale', data: lineOf(row) });
    },

    async list({ limit: wanted, cursor, serial }) {
      const key = keyOfCursor(cursor);
      if (!key.ok) return key;
      const before = key.value === undefined ? undefined : beforeOf(key.value);
      if (key.value !== undefined && !before) return fail('INPUT_INVALID', { field: 'cursor' });
      const limit = boundedLimit(wanted);
      const lists = [await own(before, limit + 1, serial), (await switched()?.sales(before, limit + 1, serial)) ?? []];
      const merged = lists.flat().sort((a, b) => (b.at + b.id < a.at + a.id ? -1 : 1));
      return ok(
        pageOf(
          merged.slice(0, limit + 1),
          limit,
          (line) => `${new Date(line.at).getTime()} ${line.id}`,
          (line) => line,
        ),
      );
    },

    async summary() {
      const since = world.clock.now() - summaryMs;
      const totals = (await switched()?.totals(since)) ?? { approved: 0, declined: 0, reversed: 0, amountMinor: 0 };
      const rows = await store.db
        .selectFrom('terminal_sales')
        .select((all) => ['outcome', all.fn.countAll<number>().as('count')])
        .where('at', '>=', since)
        .groupBy('outcome')
        .execute();
      const of = (outcome: string) => Number(rows.find((row) => row.outcome === outcome)?.count ?? 0);
      return { ...totals, declined: totals.declined + of('declined'), refused: of('refused') };
    },
  };
}

function beforeOf(key: string): Before | undefined {
  const match = /^(\d{1,15}) (.{1,64})$/.exec(key);
  return match ? { at: Number(match[1]), id: match[2] ?? '' } : undefined;
}

const lineOf = (row: Selectable<SalesTables['terminal_sales']>): SaleLine => ({
  id: row.id,
  at: isoTime(row.at),
  serial: serialSchema.parse(row.serial),
  decidedBy: 'terminal',
  outcome: row.outcome,
  mti: '',
  amountMinor: row.amount_minor,
  currency: row.currency,
  scheme: row.scheme,
  entry: row.entry,
  lastFour: row.last_four,
  token: null,
  stan: '',
  rrn: null,
  actionCode: null,
  reason: row.reason,
  durationMs: row.duration_ms,
});
