import {
  type CampaignDetail,
  type CampaignEvent,
  type CampaignException,
  type CampaignSummary,
  serialSchema,
} from '@tsunagu/protocols/fleet';
import type { Result } from '@tsunagu/protocols/kit';
import { sql } from 'kysely';
import { isoTime, type Page, type PageRequest, type Queryable, lowestFirst, pageOn, viewPage } from '../store/index.ts';
import { type Campaign, isActive } from './campaign.ts';
import { made } from './rules/causes.ts';
import { evidenceOf, gateLimit, totalsOf } from './rules/gate.ts';
import { freshRing, ringOpenOf, standIn } from './rules/progress.ts';
import { failedMetric } from './tick.ts';

const eventsMax = 100;
const isoOrNull = (at: number | null): string | null => (at === null ? null : isoTime(at));

/** Orders that have not ended. */
const openOrders = (on: Queryable, campaign: string) =>
  on.selectFrom('campaign_orders as order').where('order.campaign', '=', campaign).where('order.outcome', 'is', null);

/** Those whose jobs failed and wait for their next attempt: RETRY to "why not?". */
const restingOrders = (on: Queryable, campaign: string, now: number) =>
  openOrders(on, campaign).innerJoin('jobs', 'jobs.id', 'order.job').where('jobs.not_before', '>', now);

/** Terminals that failed, have no order now, and get another one. */
const retryingRows = (on: Queryable, campaign: string) =>
  on
    .selectFrom('campaign_exceptions as exception')
    .where('exception.campaign', '=', campaign)
    .where('exception.state', '=', 'retrying')
    .where('exception.ordinal', 'not in', openOrders(on, campaign).select('order.ordinal'));

/** A campaign as it stands in a list. */
export async function summaryOf(on: Queryable, campaign: Campaign, now: number): Promise<CampaignSummary> {
  const { resting } = await restingOrders(on, campaign.id, now)
    .select((all) => all.fn.countAll<number>().as('resting'))
    .executeTakeFirstOrThrow();
  const { retrying } = await retryingRows(on, campaign.id)
    .select((all) => all.fn.countAll<number>().as('retrying'))
    .executeTakeFirstOrThrow();
  return summaryWith(campaign, Number(resting), Number(retrying));
}

/** @param resting how many of its orders wait for their next attempt; `retrying`: how many terminals for their next order */
function summaryWith(campaign: Campaign, resting: number, retrying: number): CampaignSummary {
  const { sets, progress } = campaign;
  const [cohort, done, failed] = [sets.size('cohort'), sets.size('done'), sets.size('failed')];
  return {
    id: campaign.id,
    number: campaign.number,
    version: campaign.version,
    name: campaign.name,
    kind: campaign.spec.action.kind,
    phase: progress.phase,
    createdAt: isoTime(campaign.createdAt),
    createdBy: campaign.createdBy,
    terminals: {
      cohort,
      waiting: Math.max(0, cohort - done - failed - campaign.openOrders),
      ordered: Math.max(0, campaign.openOrders - resting),
      done,
      failed,
      retrying: retrying + resting,
      back: sets.size('back'),
    },
    ring: Math.max(0, ringOpenOf(progress)),
  };
}

/** What keeps a campaign from every terminal for now. */
function heldOf({ action }: Campaign): CampaignDetail['held'] {
  const held = action.held?.();
  return held ? made(held.code, held.facts) : null;
}

/** A campaign with all that is known of it. */
export async function detailOf(on: Queryable, campaign: Campaign, now: number): Promise<CampaignDetail> {
  const { sets, progress, spec, gate } = campaign;
  const orders = await openOrders(on, campaign.id).select('order.ordinal').execute();
  const resting = await restingOrders(on, campaign.id, now).select('order.ordinal').execute();
  const retrying = await retryingRows(on, campaign.id).select('exception.ordinal').execute();
  const rested = new Set(resting.map(({ ordinal }) => ordinal));
  const orderedIn = orders.flatMap(({ ordinal }) => (rested.has(ordinal) ? [] : sets.ringOf(ordinal)));
  const retryingIn = [...resting, ...retrying].map(({ ordinal }) => sets.ringOf(ordinal));
  const events = await on
    .selectFrom('campaign_events')
    .selectAll()
    .where('campaign', '=', campaign.id)
    .orderBy('id', 'desc')
    .limit(eventsMax)
    .execute();
  const failing = failedMetric(campaign);
  return {
    ...summaryWith(campaign, resting.length, retrying.length),
    spec,
    approvedBy: campaign.approvedBy,
    reason: progress.reason,
    held: isActive(campaign) ? heldOf(campaign) : null,
    rings: spec.rings.map((ring, index) => {
      const state = progress.rings[index] ?? freshRing;
      const name = `ring${index}` as const;
      return {
        percent: ring.percent,
        state: standIn(progress.phase, ring, state, false, now),
        size: sets.size(name),
        ordered: orderedIn.filter((place) => place === index).length,
        retrying: retryingIn.filter((place) => place === index).length,
        done: sets.common(name, 'done'),
        failed: sets.common(name, 'failed'),
        back: sets.common(name, 'back'),
        openedAt: isoOrNull(state.openedAt),
        soakUntil: state.throughAt === null ? null : isoTime(state.throughAt + ring.soakMs),
      };
    }),
    gates: (spec.gate?.metrics ?? []).flatMap((metric) => {
      const state = gate[metric];
      if (!state || !spec.gate) return [];
      const { salesA, eventsA, salesB, eventsB } = totalsOf(state);
      return [
        {
          metric,
          verdict: metric === failing ? ('failed' as const) : ('watching' as const),
          evidence: Number(evidenceOf(state).toPrecision(4)),
          limit: gateLimit(spec.gate.alpha, spec.gate.metrics.length),
          updated: { sales: salesA, events: eventsA },
          control: { sales: salesB, events: eventsB },
        },
      ];
    }),
    events: events.map(
      (row): CampaignEvent => ({ at: isoTime(row.at), what: row.what, by: row.by, facts: JSON.parse(row.facts) }),
    ),
  };
}

/** The terminals of a campaign that are not where the others are, by ordinal. */
export async function exceptionsOf(
  on: Queryable,
  campaign: string,
  now: number,
  page: PageRequest,
): Promise<Result<Page<CampaignException>, 'INPUT_INVALID'>> {
  const rows = on
    .selectFrom('campaign_exceptions as known')
    .select(['known.ordinal', 'known.state', 'known.attempts', 'known.fault', 'known.job', 'known.at', 'known.next_at'])
    .where('known.campaign', '=', campaign)
    .where('known.ordinal', 'not in', restingOrders(on, campaign, now).select('order.ordinal'));
  const resting = restingOrders(on, campaign, now)
    .leftJoin('campaign_exceptions as known', (join) =>
      join.onRef('known.campaign', '=', 'order.campaign').onRef('known.ordinal', '=', 'order.ordinal'),
    )
    .select((all) => [
      'order.ordinal',
      all.val('retrying' as const).as('state'),
      sql<number>`coalesce(known.attempts, 0) + 1`.as('attempts'),
      'jobs.fault',
      'order.job',
      'jobs.changed_at as at',
      'jobs.not_before as next_at',
    ]);
  const query = on
    .selectFrom(rows.unionAll(resting).as('exception'))
    .innerJoin('terminal_ordinals as ordinals', 'ordinals.ordinal', 'exception.ordinal')
    .selectAll('exception')
    .select('ordinals.serial');
  return viewPage(await pageOn(query, lowestFirst('exception.ordinal'), page), (row) => ({
    serial: serialSchema.parse(row.serial),
    state: row.state,
    attempts: row.attempts,
    fault: row.fault,
    job: row.job,
    at: isoTime(row.at),
    nextAt: isoOrNull(row.next_at),
  }));
}
