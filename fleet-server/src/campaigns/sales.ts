import { gateMetrics, type GateMetric } from '@tsunagu/protocols/fleet';
import type { Queryable } from '../store/index.ts';
import type { Campaign } from './campaign.ts';
import { type Arms, countSales, eventsOf, type GatedSale, type GateState } from './rules/gate.ts';

/** Sales that one look reads of each list. */
const salesMax = 2_000;
/** The kinds of the switch that a cardholder stands before. */
const kinds = ['sale', 'authorisation'] as const;

/** A sale, and whose it is. */
interface Read extends GatedSale {
  readonly ordinal: number;
  readonly model: string;
  readonly at: number;
}

/** How far the two lists were read: a place in the switch's journal, and one among what terminals ended by themselves. */
export interface Cursors {
  readonly seq: number;
  readonly at: number;
  readonly id: string;
}

/** Where the lists end now. */
export async function newestSales(on: Queryable): Promise<Cursors> {
  const { seq } = await on
    .selectFrom('switch_sales')
    .select((all) => all.fn.max('seq').as('seq'))
    .executeTakeFirstOrThrow();
  const last = await on
    .selectFrom('terminal_sales')
    .select(['at', 'id'])
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return { seq: Number(seq ?? 0), at: last?.at ?? 0, id: last?.id ?? '' };
}

export async function readCursors(on: Queryable): Promise<Cursors | undefined> {
  const rows = await on.selectFrom('campaign_cursors').selectAll().execute();
  const [switched, own] = [rows.find(({ name }) => name === 'switch'), rows.find(({ name }) => name === 'terminals')];
  return switched && own && { seq: switched.at, at: own.at, id: own.key };
}

export async function writeCursors(on: Queryable, { seq, at, id }: Cursors): Promise<void> {
  const rows = [
    { name: 'switch' as const, at: seq, key: '' },
    { name: 'terminals' as const, at, key: id },
  ];
  for (const row of rows)
    await on
      .insertInto('campaign_cursors')
      .values(row)
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute();
}

/**
 * The sales after the cursors that are old enough: each is read once, at an age at which its reversal is known. What is not old enough
 * ends the look, so that none is passed over. Sales of nobody here (a merchant centre's) move the cursor too: passed over by the join, they would be read
 * again at each look, a million of them to the end.
 */
export async function readSales(
  on: Queryable,
  from: Cursors,
  before: number,
): Promise<{ readonly sales: readonly Read[]; readonly cursors: Cursors }> {
  const switched = await on
    .selectFrom('switch_sales as sale')
    .leftJoin('terminals', 'terminals.serial', 'sale.serial')
    .leftJoin('terminal_ordinals as ordinals', 'ordinals.serial', 'sale.serial')
    .select([
      'sale.seq',
      'sale.kind',
      'sale.state',
      'sale.action_code',
      'sale.decided_by',
      'sale.entry',
      'sale.received_at',
      'terminals.model',
      'ordinals.ordinal',
    ])
    .where('sale.seq', '>', from.seq)
    .orderBy('sale.seq')
    .limit(salesMax)
    .execute();
  const young = switched.findIndex((row) => row.received_at > before);
  const settled = young < 0 ? switched : switched.slice(0, young);
  const own = await on
    .selectFrom('terminal_sales as sale')
    .leftJoin('terminals', 'terminals.serial', 'sale.serial')
    .leftJoin('terminal_ordinals as ordinals', 'ordinals.serial', 'sale.serial')
    .select(['sale.id', 'sale.at', 'sale.outcome', 'sale.entry', 'terminals.model', 'ordinals.ordinal'])
    .where((where) =>
      where.or([
        where('sale.at', '>', from.at),
        where.and([where('sale.at', '=', from.at), where('sale.id', '>', from.id)]),
      ]),
    )
    .where('sale.at', '<=', before)
    .orderBy('sale.at')
    .orderBy('sale.id')
    .limit(salesMax)
    .execute();
  const lastOwn = own.at(-1);
  return {
    sales: [
      ...settled
        .filter(isOfTerminal)
        .filter(({ kind }) => kinds.some((one) => one === kind))
        .map((row) => ({
          ordinal: row.ordinal,
          model: row.model,
          at: row.received_at,
          state: row.state,
          actionCode: row.action_code,
          decidedBy: row.decided_by,
          entry: row.entry,
          outcome: undefined,
        })),
      ...own.filter(isOfTerminal).map((row) => ({
        ordinal: row.ordinal,
        model: row.model,
        at: row.at,
        state: undefined,
        actionCode: null,
        decidedBy: null,
        entry: row.entry,
        outcome: row.outcome,
      })),
    ],
    cursors: {
      seq: settled.at(-1)?.seq ?? from.seq,
      at: lastOwn?.at ?? from.at,
      id: lastOwn?.id ?? from.id,
    },
  };
}

/** Whether a sale is one of a terminal of this house. */
const isOfTerminal = <Row extends { readonly ordinal: number | null; readonly model: string | null }>(
  row: Row,
): row is Row & { readonly ordinal: number; readonly model: string } => row.ordinal !== null && row.model !== null;

/** Which side of a campaign a sale is on; undefined: on neither (its terminal is being changed, or is not comparable). */
function sideOf(
  { sets }: Campaign,
  { ordinal, at }: Read,
  recent: ReadonlyMap<number, { readonly from: number; readonly until: number | undefined }>,
): 'updated' | 'control' | undefined {
  if (sets.has('back', ordinal)) return undefined;
  const order = recent.get(ordinal);
  if (order) return at < order.from ? 'control' : order.until !== undefined && at > order.until ? 'updated' : undefined;
  if (sets.has('done', ordinal)) return 'updated';
  return sets.has('failed', ordinal) ? undefined : 'control';
}

/**
 * What sales mean to a campaign: its gate after them. Control are all terminals of the models that were updated, in the cohort or not,
 * that were not.
 * @param recent orders that are open or just ended, by ordinal: since when, until when
 */
export function feedGate(
  campaign: Campaign,
  sales: readonly Read[],
  recent: Parameters<typeof sideOf>[2],
): Campaign['gate'] {
  const { spec, gate } = campaign;
  if (!spec.gate || sales.length === 0) return gate;
  const seen = new Map<GateMetric, Map<string, { -readonly [K in keyof Arms]: number }>>();
  for (const sale of sales) {
    const side = sideOf(campaign, sale, recent);
    if (!side) continue;
    for (const metric of spec.gate.metrics) {
      const event = eventsOf[metric](sale);
      // What never reached the switch says something about refusals alone.
      if (metric !== 'refused' && sale.state === undefined) continue;
      const models = seen.get(metric) ?? new Map();
      seen.set(metric, models);
      const arms = models.get(sale.model) ?? { salesA: 0, eventsA: 0, salesB: 0, eventsB: 0 };
      models.set(sale.model, arms);
      arms[side === 'updated' ? 'salesA' : 'salesB'] += 1;
      if (event) arms[side === 'updated' ? 'eventsA' : 'eventsB'] += 1;
    }
  }
  if (seen.size === 0) return gate;
  const fed: Record<string, GateState> = { ...gate };
  for (const metric of gateMetrics)
    for (const [model, arms] of seen.get(metric) ?? []) {
      const state = fed[metric];
      if (state) fed[metric] = countSales(state, model, arms, spec.gate.margin);
    }
  return fed;
}
