import {
  type Hello,
  hello as helloSchema,
  parseJson,
  serialSchema,
  type TerminalSummary,
} from '@tsunagu/protocols/fleet';
import { sql } from 'kysely';
import { isoTime, type Queryable } from '../store/index.ts';

/** What a summary is measured against. */
export interface Targets {
  readonly negative: { readonly list: string; readonly version: number; readonly overlaySeq: number };
}

/** Negative lists whose newest head a terminal does not have in force, by `terminals.serial`. */
const listsBehind = sql<number>`(select count(*) from negative_lists as newest where newest.version > 0 and not exists (
  select 1 from negative_applied as held where held.list = newest.list and held.serial = terminals.serial
    and held.version = newest.version and held.overlay_seq = newest.overlay_seq))`;

/** When the oldest of a terminal's lists last equalled a head: the age that decides. */
const oldestAge = sql<number | null>`(select min(held.fresh_at) from negative_lists as newest
  inner join negative_applied as held on held.list = newest.list and held.serial = terminals.serial)`;

/** Everything that a terminal's summary is made of, in one query. */
export const summaryRows = (on: Queryable, list: string) =>
  on
    .selectFrom('terminal_configurations as twin')
    .innerJoin('terminals', 'terminals.serial', 'twin.serial')
    .leftJoin('presence', 'presence.serial', 'terminals.serial')
    .leftJoin('terminal_troubles as trouble', 'trouble.serial', 'terminals.serial')
    .leftJoin('last_sales as sale', 'sale.serial', 'terminals.serial')
    .leftJoin('negative_applied as applied', (join) =>
      join.onRef('applied.serial', '=', 'terminals.serial').on('applied.list', '=', list),
    )
    .select([
      'terminals.serial',
      'terminals.model',
      'terminals.merchant',
      'terminals.shop',
      'terminals.lane',
      'terminals.parent',
      'terminals.enrolled_at',
      'terminals.lifecycle',
      'presence.state',
      'presence.since',
      'presence.boot_seq',
      'presence.hello',
      'twin.desired_version',
      'twin.desired_hash',
      'twin.reported_version',
      'twin.reported_hash',
      'twin.drift',
      'twin.reported as reported_value',
      'applied.version as negative_version',
      'applied.overlay_seq',
      listsBehind.as('lists_behind'),
      oldestAge.as('fresh_at'),
      'trouble.at as trouble_at',
      'trouble.code as trouble_code',
      'trouble.record as trouble_record',
      'sale.at as sale_at',
      'sale.outcome',
      'sale.amount_minor',
      'sale.last_four',
      'sale.reason',
    ]);

export type SummaryRow = Awaited<ReturnType<ReturnType<typeof summaryRows>['execute']>>[number];

/** The hello behind a row, when there was one. */
export function helloOf(row: Pick<SummaryRow, 'hello'>) {
  const read = row.hello === null ? undefined : parseJson(helloSchema, row.hello);
  return read?.ok ? read.value : undefined;
}

/** What whoever runs a terminal said of it, and what it said itself. */
function troublesOf(row: SummaryRow, setAside: NonNullable<Hello['setAside']>): TerminalSummary['troubles'] {
  const { trouble_at: at, trouble_code: code, trouble_record: record } = row;
  return [
    ...(at === null || code === null ? [] : [{ code, record, at: isoTime(at), isRunning: false }]),
    ...setAside
      .toReversed()
      .map((one) => ({ code: one.code, record: one.record, at: isoTime(one.at), isRunning: true })),
  ];
}

/** A terminal as it stands in a list. */
export function summaryOf(row: SummaryRow): TerminalSummary {
  const inSync = row.reported_hash !== null && row.reported_hash === row.desired_hash;
  const version = row.negative_version ?? 0;
  const overlaySeq = row.overlay_seq ?? 0;
  const hello = helloOf(row);
  return {
    serial: serialSchema.parse(row.serial),
    model: row.model,
    place: { merchant: row.merchant, shop: row.shop, lane: row.lane },
    parent: row.parent,
    lifecycle: row.lifecycle,
    link: {
      state: row.state ?? 'never',
      since: row.since === null ? null : isoTime(row.since),
      bootSeq: row.boot_seq ?? 0,
    },
    // What its last hello said of keys was before their end.
    keys: (row.lifecycle === 'scrap' ? [] : (hello?.keys ?? [])).map(({ slot, kcv, ksn }) => ({
      slot,
      kcv,
      ksn: ksn ?? null,
    })),
    configuration: {
      desired: row.desired_version ?? 0,
      reported: row.reported_version ?? 0,
      inSync,
      drift: inSync ? null : (row.drift ?? (row.reported_version === null ? null : 'PENDING')),
    },
    negative: {
      version,
      overlaySeq,
      current: Number(row.lists_behind) === 0,
      freshAt: row.fresh_at === null || Number(row.fresh_at) === 0 ? null : isoTime(Number(row.fresh_at)),
    },
    lastSale:
      row.sale_at === null
        ? null
        : {
            at: isoTime(row.sale_at),
            outcome: row.outcome ?? '',
            amountMinor: row.amount_minor ?? 0,
            lastFour: row.last_four ?? '',
            reason: row.reason,
          },
    troubles: troublesOf(row, hello?.setAside ?? []),
  };
}
