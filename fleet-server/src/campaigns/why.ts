import {
  acquirerSlots,
  type Cause,
  configuration,
  type DriftReason,
  keySlots,
  type Serial,
  weekdays,
  type Why,
  type WhyTarget,
} from '@tsunagu/protocols/fleet';
import { sql } from 'kysely';
import { z } from 'zod';
import { type Chain, openStates, type Refusals, refusalsOf } from '../jobs/index.ts';
import { protectionChain } from '../keys/index.ts';
import { among, isoTime, type Queryable } from '../store/index.ts';
import type { Campaign } from './campaign.ts';
import { factsOf } from './facts.ts';
import type { CampaignRooms } from './ports.ts';
import {
  type CampaignView,
  causeOfJob,
  causesOf,
  causesOfPlain,
  made,
  nextTryOf,
  type OpenJob,
  type Standing,
} from './rules/causes.ts';
import { atPath, type TerminalFacts } from './rules/match.ts';
import { windowAt } from './rules/windows.ts';
import { viewOf } from './views.ts';

const chunkMax = 2_500;

const ownWindow = z.object(configuration.pick({ maintenanceWindow: true, timeZone: true }).shape);

/** What answers stand on besides the rooms. */
export interface WhyContext {
  /** Campaigns under way, and those that ended lately, newest first. */
  readonly campaigns: readonly Campaign[];
  readonly zoneOf: (facts: TerminalFacts) => string | undefined;
}

/** Says of each terminal why it has not got something, and when it is tried next. */
export async function explain(
  rooms: CampaignRooms,
  { campaigns, zoneOf }: WhyContext,
  target: WhyTarget,
  serials: readonly Serial[],
): Promise<readonly Why[]> {
  const { store, world } = rooms;
  const now = world.clock.now();
  const views = new Map<string, CampaignView>();
  const view = (campaign: Campaign): CampaignView => {
    const known = views.get(campaign.id) ?? viewOf(campaign, campaigns, zoneOf, now);
    views.set(campaign.id, known);
    return known;
  };
  const answers = new Map<string, readonly Cause[]>();
  for (let from = 0; from < serials.length; from += chunkMax) {
    const chunk = serials.slice(from, from + chunkMax);
    const facts = await factsOf(store.db, { serials: chunk });
    const causesFor = await questionOf(target, facts);
    for (const terminal of facts) answers.set(terminal.serial, causesFor(terminal));
  }
  return serials.map((serial) => {
    const found = answers.get(serial) ?? [made('TERMINAL_UNKNOWN')];
    return { serial, causes: [...found], nextTryAt: nextTryOf(found) };
  });

  /** Fetches what the question needs of these terminals at once, and hands out the rule. */
  async function questionOf(
    asked: WhyTarget,
    facts: readonly TerminalFacts[],
  ): Promise<(terminal: TerminalFacts) => readonly Cause[]> {
    const mayConnect = ({ lifecycle }: TerminalFacts): boolean => rooms.mayConnect(lifecycle);
    // What it had when its certificate ended says nothing of what it has: it is not heard any more.
    const had = (terminal: TerminalFacts, what: Cause['facts']): readonly Cause[] =>
      isCutOff(terminal) ? causesOfPlain(terminal, mayConnect(terminal), []) : [made('DONE', what)];
    switch (asked.kind) {
      case 'campaign': {
        const campaign = campaigns.find(({ id }) => id === asked.id);
        if (!campaign) return () => [made('TARGET_UNKNOWN', { campaign: asked.id })];
        const standing = await standingsOf(store.db, campaign, facts);
        return (terminal) => causesOf(view(campaign), standing(terminal), terminal, mayConnect(terminal), now);
      }
      case 'software': {
        const bringing = campaigns.filter(({ action }) => action.subject === 'software');
        const standings = new Map<string, Awaited<ReturnType<typeof standingsOf>>>();
        for (const one of bringing) standings.set(one.id, await standingsOf(store.db, one, facts));
        const pilots = await installsOf(store.db, asked.version, facts);
        return (terminal) => {
          if (terminal.version === asked.version) return had(terminal, { version: asked.version });
          const wouldHave = { ...terminal, version: asked.version };
          const versions = bringing.filter(({ action }) => action.isHad(wouldHave));
          const campaign = versions.find(({ sets }) => sets.has('cohort', terminal.ordinal)) ?? versions[0];
          const standing = campaign && standings.get(campaign.id);
          const pilot = pilots.get(terminal.serial);
          // What a person ordered of this terminal alone needs no campaign.
          if (pilot && !campaign?.sets.has('cohort', terminal.ordinal))
            return causesOfPlain(terminal, mayConnect(terminal), [causeOfJob(pilot, now)]);
          if (!campaign || !standing)
            return causesOfPlain(terminal, mayConnect(terminal), [
              { code: 'CAMPAIGN_NONE', facts: { wanted: asked.version, version: terminal.version ?? '' } },
            ]);
          return causesOf(view(campaign), standing(terminal), terminal, mayConnect(terminal), now);
        };
      }
      case 'configuration':
        return (terminal) => {
          if (terminal.isAsDesired) return had(terminal, { version: terminal.desiredVersion });
          const found = causesOfPlain(terminal, mayConnect(terminal), [
            terminal.driftReason === 'waiting' && { code: 'WINDOW_CLOSED', until: ownWindowOpensAt(terminal, now) },
            terminal.driftReason !== undefined &&
              answeredReasons.has(terminal.driftReason) && {
                code: 'DRIFT',
                facts: { reason: terminal.drift ?? terminal.driftReason },
              },
          ]);
          return found.length > 0 ? found : [made('NEXT', {}, now)];
        };
      case 'key': {
        const askedOf = facts.map((terminal) => terminal.serial);
        const chains: readonly Chain[] = [[`key.load/${asked.slot}`], protectionChain];
        const open = await store.db
          .selectFrom('jobs')
          .select(['serial', 'id', 'created_at', 'not_before'])
          .where('subject', 'in', chains.flat())
          .where('state', 'in', ['queued', 'offered', 'running'])
          .where(among('serial', askedOf))
          .execute();
        const jobs = new Map(open.map((row) => [row.serial, row]));
        const refusals: ((serial: string) => Refusals)[] = [];
        for (const chain of chains) refusals.push(await refusalsOf(store.db, askedOf, chain));
        const companies = await store.db
          .selectFrom('terminal_acquirers')
          .select(['serial', 'acquirer'])
          .where(among('serial', askedOf))
          .orderBy('acquirer')
          .execute();
        return (terminal) => {
          const keys = atPath(terminal.hello, ['keys']);
          const isHeld =
            Array.isArray(keys) && keys.some((_, index) => atPath(keys, [String(index), 'slot']) === asked.slot);
          const own = companies.filter(({ serial }) => serial === terminal.serial);
          const slots = [...keySlots, ...own.flatMap(({ acquirer }) => acquirerSlots(acquirer))];
          if (!isHeld && !slots.some((slot) => slot === asked.slot))
            return [made('TARGET_UNKNOWN', { slot: asked.slot, slots: slots.join(', ') })];
          const job = jobs.get(terminal.serial);
          // What a quarantined terminal holds counts no more, though it holds it.
          const counts = isHeld && terminal.lifecycle !== 'quarantined';
          if (counts && !job) return had(terminal, { slot: asked.slot });
          const refused = refusals.map((of) => of(terminal.serial)).find(({ count }) => count > 0);
          const againAt = Math.max(now, job?.not_before ?? refused?.againAt ?? 0);
          return causesOfPlain(terminal, mayConnect(terminal), [
            // Where it was refused, that is why the slot is empty, and when that may end is known.
            !isHeld && !refused && { code: 'KEY_SLOT_EMPTY', facts: { slot: asked.slot } },
            refused && {
              code: 'RETRY',
              facts: { attempts: refused.count, fault: refused.fault ?? '', ...(job && { job: job.id }) },
              until: againAt,
            },
            job &&
              job.not_before <= now && { code: 'JOB_OPEN', facts: { job: job.id, since: isoTime(job.created_at) } },
          ]);
        };
      }
    }
  }
}

const isCutOff = ({ enrolled, link, isCertified }: TerminalFacts): boolean =>
  enrolled && link !== 'ready' && isCertified === false;

/** What a terminal answered that is not asked of it again: something has to be done about it. */
const answeredReasons: ReadonlySet<DriftReason> = new Set(['refused', 'reverted', 'local']);

/** When the window of its own opens for which a terminal keeps what it fetched: by what is in force there. */
function ownWindowOpensAt({ reported }: TerminalFacts, now: number): number | undefined {
  const { maintenanceWindow = '', timeZone } = ownWindow.safeParse(reported).data ?? {};
  const [, from, until] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(maintenanceWindow) ?? [];
  if (timeZone === undefined || from === undefined || until === undefined) return undefined;
  const state = windowAt([{ days: [...weekdays], from, until }], timeZone, now);
  return state.isOpen ? now : state.opensAt;
}

const openJobOf = (row: {
  readonly job: string;
  readonly created_at: number;
  readonly attempt: number | null;
  readonly fault: string | null;
  readonly not_before: number | null;
}): OpenJob => ({
  job: row.job,
  at: row.created_at,
  attempts: row.attempt ?? 0,
  fault: row.fault,
  notBefore: row.not_before ?? 0,
});

/** Open orders of a version that belong to no campaign, by terminal. */
async function installsOf(
  on: Queryable,
  version: string,
  facts: readonly TerminalFacts[],
): Promise<ReadonlyMap<string, OpenJob>> {
  const rows = await on
    .selectFrom('jobs')
    .select(['serial', 'id as job', 'created_at', 'attempt', 'fault', 'not_before'])
    .where('type', '=', 'software.install')
    .where('reference', 'is', null)
    .where('state', 'in', openStates)
    .where(sql<boolean>`json_extract(params, '$.version') = ${version}`)
    .where(
      among(
        'serial',
        facts.map(({ serial }) => serial),
      ),
    )
    .execute();
  return new Map(rows.map((row) => [row.serial, openJobOf(row)]));
}

/** Where terminals stand in a campaign. */
async function standingsOf(
  on: Queryable,
  campaign: Campaign,
  facts: readonly TerminalFacts[],
): Promise<(terminal: TerminalFacts) => Standing> {
  const isAsked = among(
    'ordinal',
    facts.map(({ ordinal }) => ordinal),
  );
  const orders = await on
    .selectFrom('campaign_orders')
    .leftJoin('jobs', 'jobs.id', 'campaign_orders.job')
    .select(['ordinal', 'job', 'ordered_at', 'jobs.attempt', 'jobs.fault', 'jobs.not_before'])
    .where('campaign', '=', campaign.id)
    .where('outcome', 'is', null)
    .where(isAsked)
    .execute();
  const exceptions = await on
    .selectFrom('campaign_exceptions')
    .selectAll()
    .where('campaign', '=', campaign.id)
    .where(isAsked)
    .execute();
  const orderOf = new Map(orders.map((row) => [row.ordinal, openJobOf({ ...row, created_at: row.ordered_at })]));
  const exceptionOf = new Map(exceptions.map((row) => [row.ordinal, { ...row, nextAt: row.next_at }]));
  const { sets } = campaign;
  return (terminal) => ({
    isInCohort: sets.has('cohort', terminal.ordinal),
    isDone: sets.has('done', terminal.ordinal) || campaign.action.isHad(terminal),
    isBack: sets.has('back', terminal.ordinal),
    ring: sets.ringOf(terminal.ordinal),
    order: orderOf.get(terminal.ordinal),
    exception: exceptionOf.get(terminal.ordinal),
  });
}
