import { serialSchema, type Serial } from '@tsunagu/protocols/fleet';
import type { Selectable, Transaction } from 'kysely';
import { house } from '../audit/index.ts';
import { among, type Database, type Queryable } from '../store/index.ts';
import {
  applyChange,
  type Campaign,
  type Change,
  changeOf,
  endOf,
  isActive,
  noteEvent,
  startOf,
  writeChange,
} from './campaign.ts';
import { factsOf } from './facts.ts';
import { place, type TickContext } from './place.ts';
import type { CampaignRooms } from './ports.ts';
import { evidenceOf, gateLimit, totalsOf } from './rules/gate.ts';
import { advance, type RingCount } from './rules/progress.ts';
import type { CampaignTables } from './tables.ts';

/** Ends of orders that one tick counts; the next tick goes on. */
const endsMax = 1_000;
/** Pauses before another order to the same terminal. */
const retryFirstMs = 60_000;
const retryMaxMs = 3_600_000;

type OrderRow = Selectable<CampaignTables['campaign_orders']>;

/** What a tick did. */
export interface Ticked {
  readonly isChanged: boolean;
  readonly ordered: readonly Serial[];
}

/**
 * One look of a campaign at the world: counts the ends of orders, lets rings open and pass, and orders what may be ordered. All of it is
 * one transaction together with the jobs that it queues, so wherever the power fails nothing is ordered twice and nobody is forgotten.
 */
export async function tick(rooms: CampaignRooms, campaign: Campaign, context: TickContext): Promise<Ticked> {
  const { world, store } = rooms;
  const now = world.clock.now();
  const draft = campaign.sets.draft();
  let isHeldNow: boolean | undefined;
  try {
    const made = await store.write(async (tx) => {
      const rows = await tx.selectFrom('campaign_orders').selectAll().where('campaign', '=', campaign.id).execute();
      const ended = rows.filter(({ outcome }) => outcome !== null).slice(0, endsMax);
      const counted = new Map<string, number>();
      /** Those whose order did not end well: nothing of it stays with them. */
      const withdrawn: number[] = [];
      for (const row of ended) await countEnd(row, counted);
      const done = ended.filter(({ outcome }) => outcome === 'done').map(({ ordinal }) => ordinal);
      if (done.length > 0)
        await tx
          .deleteFrom('campaign_exceptions')
          .where('campaign', '=', campaign.id)
          .where(among('ordinal', done))
          .execute();
      if (ended.length > 0)
        await tx
          .deleteFrom('campaign_orders')
          .where(
            among(
              'job',
              ended.map(({ job }) => job),
            ),
          )
          .execute();
      const open = new Map(rows.filter(({ outcome }) => outcome === null).map((row) => [row.ordinal, row]));
      const change = await look(open, counted);
      await takeBackLate(tx, rooms, [...open.values()], now);
      const left = await withdraw(tx, campaign, withdrawn);
      // Whose end was just counted is not looked at before the sets know of it.
      const busy = new Set(rows.map(({ ordinal }) => ordinal));
      const placed = await place(tx, rooms, campaign, { change, context, draft, now, busy, openCount: open.size });
      await draft.write(tx, campaign.id);
      const isChanged =
        ended.length > 0 || placed.serials.length > 0 || placed.had > 0 || change.progress !== campaign.progress;
      if (isChanged || change.gate !== campaign.gate) await writeChange(tx, campaign, change);
      return { change, isChanged, openOrders: open.size + placed.serials.length, left, ...placed };

      /** Counts the end of one order: the terminal is done, gets another order later, or failed for good. */
      async function countEnd(row: OrderRow, sums: Map<string, number>): Promise<void> {
        const { ordinal, leg, outcome, fault, job, ended_at } = row;
        const count = (name: string): void => void sums.set(name, (sums.get(name) ?? 0) + 1);
        const ring = campaign.sets.ringOf(ordinal);
        if (outcome === 'done') {
          draft.add(leg === 'forward' ? 'done' : 'back', ordinal);
          if (leg === 'forward') count(`done${ring}`);
          else if (campaign.sets.has('done', ordinal)) count('back');
          if (leg === 'forward') count('changed');
          return;
        }
        if (leg === 'forward' && !(outcome === 'failed' && campaign.action.isPending?.(fault ?? '')))
          withdrawn.push(ordinal);
        if (outcome === 'cancelled') return;
        const before = await tx
          .selectFrom('campaign_exceptions')
          .select('attempts')
          .where('campaign', '=', campaign.id)
          .where('ordinal', '=', ordinal)
          .executeTakeFirst();
        const isPending = campaign.action.isPending?.(fault ?? '') ?? false;
        const attempts = (before?.attempts ?? 0) + (isPending ? 0 : 1);
        // The way back is never given up: a terminal that has the bad version is not left with it.
        const isFailed = leg === 'forward' && !isPending && attempts >= campaign.spec.attemptsMax;
        const pause = isPending ? retryMaxMs : Math.min(retryMaxMs, retryFirstMs * 2 ** (attempts - 1));
        const exception = {
          state: isFailed ? ('failed' as const) : ('retrying' as const),
          attempts,
          fault,
          job,
          at: ended_at ?? now,
          next_at: isFailed ? null : now + pause,
        };
        await tx
          .insertInto('campaign_exceptions')
          .values({ campaign: campaign.id, ordinal, ...exception })
          .onConflict((conflict) => conflict.columns(['campaign', 'ordinal']).doUpdateSet(exception))
          .execute();
        if (isFailed) {
          draft.add('failed', ordinal);
          count(`failed${ring}`);
        }
      }

      /** Writes down, once, that something keeps it from every terminal, and that nothing does any more. */
      async function noteHeld(): Promise<void> {
        const held = campaign.action.held?.();
        campaign.isHeld ??= await wasHeld(tx, campaign);
        if ((held !== undefined) === campaign.isHeld) return;
        const [what, facts] = held ? (['held', { code: held.code, ...held.facts }] as const) : (['letGo', {}] as const);
        await noteEvent(tx, campaign.id, now, what, null, facts);
        await rooms.note(tx, { actor: house, action: `campaign.${what}`, subject: `campaign/${campaign.id}`, facts });
        world.log(held ? 'error' : 'info', held ? 'campaignHeld' : 'campaignLetGo', {
          campaign: campaign.name,
          ...facts,
        });
        isHeldNow = held !== undefined;
      }

      /** How many still have to be brought back. Before the last of them is, those that failed are asked what they run. */
      async function toBringBack(sums: ReadonlyMap<string, number>): Promise<number> {
        const { sets, action, progress } = campaign;
        const left = sets.changedCount + (sums.get('changed') ?? 0) - (sums.get('back') ?? 0);
        if (left > 0 || progress.phase !== 'rollingBack') return left;
        const ordinals = [...sets.changed()].filter((ordinal) => !sets.has('done', ordinal));
        const facts = await factsOf(tx, { ordinals });
        return facts.filter((terminal) => action.isHad(terminal)).length;
      }

      /** Lets rings open and pass, and stops what has to stop. */
      async function look(
        openOrders: ReadonlyMap<number, OrderRow>,
        sums: ReadonlyMap<string, number>,
      ): Promise<Change> {
        const { sets, spec } = campaign;
        const rings = spec.rings.map((_, ring): RingCount => {
          const name = `ring${ring}` as const;
          return {
            size: sets.size(name),
            done: sets.common(name, 'done') + (sums.get(`done${ring}`) ?? 0),
            failed: sets.common(name, 'failed') + (sums.get(`failed${ring}`) ?? 0),
          };
        });
        const step = advance(
          { ...spec, canGoBack: campaign.action.canGoBack, startAt: startOf(campaign) },
          campaign.progress,
          {
            now,
            rings,
            openOrders: openOrders.size,
            gateFailed: failedMetric(campaign),
            isGateFed: isFed(campaign),
            endAt: endOf(campaign),
            toBringBack: await toBringBack(sums),
          },
        );
        for (const { what, facts } of step.happened) {
          const figures = what === 'gateFailed' ? figuresOf(campaign, String(facts['metric'])) : {};
          await noteEvent(tx, campaign.id, now, what, null, { ...facts, ...figures });
          const entry = { action: `campaign.${what}`, subject: `campaign/${campaign.id}`, facts };
          await rooms.note(tx, { actor: house, ...entry });
        }
        await noteHeld();
        const { phase } = step.progress;
        const isStopped = phase !== campaign.progress.phase && (phase === 'rollingBack' || phase === 'aborted');
        if (isStopped || phase === 'completed')
          for (const { job, leg } of openOrders.values()) if (leg === 'forward') await rooms.jobs.cancelIn(tx, job);
        if (isStopped || phase === 'completed') withdrawn.push(...(await retrying(tx, campaign)));
        const isOver = !isActive(step);
        return changeOf(campaign, { progress: step.progress, ...(isOver && { endedAt: now }) });
      }
    });
    draft.commit();
    campaign.isHeld = isHeldNow ?? campaign.isHeld;
    if (made.isChanged || made.change.gate !== campaign.gate) applyChange(campaign, made.change);
    campaign.credit = made.credit;
    campaign.lookedUpTo = made.lookedUpTo;
    campaign.openOrders = made.openOrders;
    for (const serial of made.serials) await rooms.jobs.wake(serial);
    if (made.left.length > 0) rooms.twin.moved(...made.left);
    return { isChanged: made.isChanged || isHeldNow !== undefined, ordered: made.serials };
  } catch (error) {
    draft.drop();
    throw error;
  }
}

/**
 * Takes back what nobody began before the window closed in which it was ordered: a terminal that was away would do it in the middle of the
 * day. It is ordered again in the next one. What runs ends by itself.
 */
async function takeBackLate(
  tx: Transaction<Database>,
  { jobs }: Pick<CampaignRooms, 'jobs'>,
  orders: readonly OrderRow[],
  now: number,
): Promise<void> {
  const late = orders.filter(({ window_until: until }) => until !== null && until <= now).map(({ job }) => job);
  if (late.length === 0) return;
  const waiting = await tx
    .selectFrom('jobs')
    .select('id')
    .where('state', 'in', ['queued', 'offered'])
    .where('cancelled_at', 'is', null)
    .where(among('id', late))
    .execute();
  for (const { id } of waiting) await jobs.cancelIn(tx, id);
}

/** Whether something kept a campaign from every terminal, by its history. */
async function wasHeld(on: Queryable, { id }: Pick<Campaign, 'id'>): Promise<boolean> {
  const newest = await on
    .selectFrom('campaign_events')
    .select('what')
    .where('campaign', '=', id)
    .where('what', 'in', ['held', 'letGo'])
    .orderBy('id', 'desc')
    .executeTakeFirst();
  return newest?.what === 'held';
}

/** Terminals that wait for another order, or for a moment of their own. */
export async function retrying(on: Queryable, { id }: Pick<Campaign, 'id'>): Promise<readonly number[]> {
  const rows = await on
    .selectFrom('campaign_exceptions')
    .select('ordinal')
    .where('campaign', '=', id)
    .where('state', '=', 'retrying')
    .execute();
  return rows.map(({ ordinal }) => ordinal);
}

/** Takes from terminals what orders left there that did not end well. Whom something else is desired of now: told after the commit. */
export async function withdraw(
  tx: Transaction<Database>,
  { action }: Pick<Campaign, 'action'>,
  ordinals: readonly number[],
): Promise<readonly Serial[]> {
  if (!action.withdraw || ordinals.length === 0) return [];
  const rows = await tx.selectFrom('terminal_ordinals').select('serial').where(among('ordinal', ordinals)).execute();
  const serials = rows.map(({ serial }) => serialSchema.parse(serial));
  await action.withdraw(tx, serials);
  return serials;
}

/** The metric whose evidence reached the limit. */
export function failedMetric({ spec, gate }: Campaign): string | undefined {
  if (!spec.gate) return undefined;
  const limit = gateLimit(spec.gate.alpha, spec.gate.metrics.length);
  return spec.gate.metrics.find((metric) => {
    const state = gate[metric];
    return state && evidenceOf(state) >= limit;
  });
}

/** Whether both sides have the sales that a promotion wants. */
function isFed({ spec, gate }: Campaign): boolean {
  if (!spec.gate) return true;
  const { metrics, salesMin } = spec.gate;
  return metrics.every((metric) => {
    const state = gate[metric];
    if (!state) return false;
    const { salesA, salesB } = totalsOf(state);
    return Math.min(salesA, salesB) >= salesMin;
  });
}

/** The figures of a gate, for the history. */
function figuresOf({ spec, gate }: Campaign, metric: string): Readonly<Record<string, number>> {
  const state = gate[metric];
  if (!state || !spec.gate) return {};
  const { salesA, eventsA, salesB, eventsB } = totalsOf(state);
  return {
    updatedSales: salesA,
    updatedEvents: eventsA,
    controlSales: salesB,
    controlEvents: eventsB,
    evidence: Number(evidenceOf(state).toPrecision(4)),
    limit: gateLimit(spec.gate.alpha, spec.gate.metrics.length),
  };
}
