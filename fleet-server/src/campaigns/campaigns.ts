import {
  type AskWhy,
  type CampaignDetail,
  type CampaignDryRun,
  type CampaignException,
  type CampaignPhase,
  type CampaignSpec,
  type CampaignSummary,
  type CampaignVerb,
  type JobState,
  parseQuery,
  type Serial,
  type Why,
} from '@tsunagu/protocols/fleet';
import { fail, FaultError, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { Transaction } from 'kysely';
import { type Actor, areApart, may, personOf } from '../audit/index.ts';
import { among, type Database, highestFirst, type Page, type PageRequest, pageOn } from '../store/index.ts';
import {
  applyChange,
  call,
  type Campaign,
  type CampaignRow,
  type Change,
  changeOf,
  digestOf,
  isActive,
  noteEvent,
  readCampaign,
  writeChange,
} from './campaign.ts';
import { createCampaign, dryRun } from './create.ts';
import { numberTerminals } from './facts.ts';
import type { CampaignRooms } from './ports.ts';
import { atPath, type TerminalFacts } from './rules/match.ts';
import { act } from './rules/progress.ts';
import { placeInOrder, ringOf } from './rules/rings.ts';
import { type Cursors, feedGate, newestSales, readCursors, readSales, writeCursors } from './sales.ts';
import { select } from './select.ts';
import { prepareSets } from './sets.ts';
import { detailOf, exceptionsOf, summaryOf } from './show.ts';
import { retrying, tick, withdraw } from './tick.ts';
import { explain } from './why.ts';

/** How often campaigns look at the world, and dynamic ones at who is new. */
const tickMs = 1_000;
const joinMs = 60_000;
/** Campaigns that may be under way at once, and those that ended and are still looked at by "why not?". */
const activeMax = 100;
const endedMax = 20;
/** Terminals that were heard of since the last tick; more than these are found in turn. */
const heardMax = 10_000;

const openPhases: readonly CampaignPhase[] = ['proposed', 'running', 'paused', 'rollingBack'];

/** How campaigns are opened. */
export interface CampaignOptions {
  /** At what age a sale is counted: by then its reversal is known. */
  readonly settleMs?: number;
}

/** Changes of many terminals: proposed, approved, ring by ring, watched, and taken back where they do harm. */
export interface Campaigns {
  create(spec: CampaignSpec, by: Actor): Promise<Result<CampaignDetail>>;
  dryRun(spec: CampaignSpec): Promise<Result<CampaignDryRun>>;
  /** Newest first. */
  list(page: PageRequest): Promise<Result<Page<CampaignSummary>>>;
  get(id: string): Promise<Result<CampaignDetail>>;
  /** @param version what the caller saw; VERSION_CONFLICT when it is another now. Undefined: whatever it is. */
  act(id: string, verb: CampaignVerb, by: Actor, reason: string, version?: number): Promise<Result<CampaignDetail>>;
  exceptions(id: string, page: PageRequest): Promise<Result<Page<CampaignException>>>;
  /** QUERY_INVALID where it asks by a query that is none. */
  why(asked: AskWhy): Promise<Result<Page<Why>>>;
  /** A job ended: takes part in the transaction that ends it. */
  jobEnded(tx: Transaction<Database>, job: string, state: JobState, fault: string | null): Promise<void>;
  /** A terminal said something about itself: it is looked at soon. */
  heard(serial: Serial): void;
  /** One round of everything that time does; also run by itself. Resolves when it is on disk. */
  round(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the room: campaigns that were under way go on. */
export async function openCampaigns(rooms: CampaignRooms, options: CampaignOptions = {}): Promise<Campaigns> {
  const { world, store } = rooms;
  const settleMs = options.settleMs ?? 15_000;
  await prepareSets();
  /** Under way, by id, oldest first. */
  const open = new Map<string, Campaign>();
  const ended = new Map<string, Campaign>();
  const heard = new Set<Serial>();
  const zoneOf = ({ desired }: TerminalFacts): string | undefined => {
    const zone = atPath(desired, ['timeZone']);
    return typeof zone === 'string' ? zone : undefined;
  };

  const unfinished = await store.db
    .selectFrom('campaigns')
    .selectAll()
    .where((where) =>
      where.or([
        where('phase', 'in', openPhases),
        where.exists(
          where.selectFrom('campaign_orders').select('job').whereRef('campaign_orders.campaign', '=', 'campaigns.id'),
        ),
      ]),
    )
    .orderBy('number')
    .execute();
  for (const row of unfinished) {
    const campaign = await readCampaign(rooms, store.db, row);
    if (campaign.ok) open.set(row.id, campaign.value);
    else world.log('error', 'campaignNotOpened', { campaign: row.id, fault: campaign.fault });
  }
  /** How far the lists of sales were read; undefined while nobody watches them. */
  let cursors: Cursors | undefined = await readCursors(store.db);

  const rowOf = (id: string): Promise<CampaignRow | undefined> =>
    store.db.selectFrom('campaigns').selectAll().where('id', '=', id).executeTakeFirst();

  /** A campaign that is under way or was looked at lately; others are read. */
  async function find(id: string): Promise<Result<Campaign>> {
    const known = open.get(id) ?? ended.get(id);
    if (known) return ok(known);
    const row = await rowOf(id);
    if (!row) return fail('CAMPAIGN_UNKNOWN');
    const read = await readCampaign(rooms, store.db, row);
    if (read.ok) remember(read.value);
    return read;
  }

  function remember(campaign: Campaign): void {
    ended.set(campaign.id, campaign);
    for (const [id, old] of ended) {
      if (ended.size <= endedMax) break;
      ended.delete(id);
      old.sets.close();
    }
  }

  async function show(campaign: Campaign): Promise<void> {
    rooms.live.publish({ name: 'campaign', data: await summaryOf(store.db, campaign, world.clock.now()) });
  }

  /** Everything that changes campaigns stands in one line. */
  let line: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const next = line.then(work, work);
    line = next.catch(() => undefined);
    return next;
  }

  const watches = ({ spec, progress }: Campaign): boolean =>
    spec.gate !== null && (progress.phase === 'running' || progress.phase === 'paused');

  /**
   * Sales since the last look, for all gates at once; where nobody watches, the lists are passed over, and not looked at: the switch would
   * have to bring them up to date. The first that watches again wrote where the lists ended as it began.
   */
  async function feed(): Promise<void> {
    const watching = [...open.values()].filter(watches);
    if (watching.length === 0) {
      cursors = undefined;
      return;
    }
    const from = cursors ?? (await readCursors(store.db)) ?? (await newestSales(store.db));
    cursors = from;
    const { sales, cursors: next } = await readSales(store.db, from, world.clock.now() - settleMs);
    if (next.seq === from.seq && next.id === from.id) return;
    const changes = await store.write(async (tx) => {
      await writeCursors(tx, next);
      const made: [Campaign, ReturnType<typeof changeOf>][] = [];
      for (const campaign of watching) {
        const orders = await tx
          .selectFrom('campaign_orders')
          .select(['ordinal', 'ordered_at', 'ended_at', 'outcome'])
          .where('campaign', '=', campaign.id)
          .where('leg', '=', 'forward')
          .execute();
        const recent = new Map(
          orders.map((row) => [
            row.ordinal,
            { from: row.ordered_at, until: row.outcome === 'done' ? (row.ended_at ?? undefined) : undefined },
          ]),
        );
        const gate = feedGate(campaign, sales, recent);
        if (gate === campaign.gate) continue;
        const change = changeOf(campaign, { gate });
        await writeChange(tx, campaign, change);
        made.push([campaign, change]);
      }
      return made;
    });
    cursors = next;
    for (const [campaign, change] of changes) {
      applyChange(campaign, change);
      await show(campaign);
    }
  }

  /** Has those that were heard of looked at first. */
  async function callHeard(): Promise<void> {
    if (heard.size === 0 || open.size === 0) {
      heard.clear();
      return;
    }
    const serials = [...heard];
    heard.clear();
    const rows = await store.db
      .selectFrom('terminal_ordinals')
      .select('ordinal')
      .where(among('serial', serials))
      .execute();
    for (const { ordinal } of rows) for (const campaign of open.values()) call(campaign, ordinal);
  }

  /** Takes in who meets the query of a dynamic campaign now. Nobody is taken out: what was ordered was ordered. */
  async function join(): Promise<void> {
    const dynamic = [...open.values()].filter((campaign) => campaign.spec.isDynamic && isActive(campaign));
    if (dynamic.length === 0) return;
    await numberTerminals(store.db);
    for (const campaign of dynamic) {
      if (campaign.progress.phase === 'rollingBack') continue;
      const found = await select(store.db, campaign.target, { now: world.clock.now() });
      const fresh = found.filter(({ ordinal }) => !campaign.sets.has('cohort', ordinal));
      if (fresh.length === 0) continue;
      const draft = campaign.sets.draft();
      for (const { ordinal, serial } of fresh) {
        draft.add('cohort', ordinal);
        draft.add(`ring${ringOf(placeInOrder(campaign.id, serial), campaign.bounds)}`, ordinal);
      }
      const change = changeOf(campaign);
      await store.write(async (tx) => {
        await draft.write(tx, campaign.id);
        await writeChange(tx, campaign, change);
        await noteEvent(tx, campaign.id, world.clock.now(), 'joined', null, { terminals: fresh.length });
      });
      draft.commit();
      applyChange(campaign, change);
      await show(campaign);
    }
  }

  /** A campaign that is over is only looked at. */
  function settle(campaign: Campaign): void {
    open.delete(campaign.id);
    remember(campaign);
  }

  /** What the decision on a proposed campaign makes of it: written with the decision, and not taken into memory yet. */
  const decisions = new Map<string, Change>();
  rooms.approvals.onDecided('campaign', async (tx, approval, by) => {
    const id = approval.subject.slice('campaign/'.length);
    const row = await tx
      .selectFrom('campaigns')
      .select(['spec', 'approval', 'phase'])
      .where('id', '=', id)
      .executeTakeFirst();
    const verb = approval.state === 'approved' ? 'approve' : 'reject';
    if (row && row.phase !== 'proposed')
      throw new FaultError({ code: 'CAMPAIGN_VERB_NOT_NOW', facts: { phase: row.phase, verb } });
    const campaign = open.get(id);
    // What was approved must be what is there.
    if (!row || !campaign || row.approval !== approval.id || digestOf({ id, spec: row.spec }) !== approval.digest)
      throw new FaultError({ code: 'CAMPAIGN_UNKNOWN' });
    const now = world.clock.now();
    const reason = approval.reason ?? '';
    const progress = unwrap(act(campaign.progress, verb, by.subject, reason, []));
    const change = changeOf(
      campaign,
      verb === 'approve' ? { progress, approvedBy: by.subject, startedAt: now } : { progress, endedAt: now },
    );
    await writeChange(tx, campaign, change);
    // Written with the beginning: a server that is killed in between would read on from where the gate of an older campaign ended.
    if (verb === 'approve' && campaign.spec.gate !== null && ![...open.values()].some(watches))
      await writeCursors(tx, await newestSales(tx));
    await noteEvent(tx, id, now, verb, by.subject, reason === '' ? {} : { reason });
    decisions.set(id, change);
    void inTurn(() => takeIn(id)).catch((cause: unknown) =>
      world.log('error', 'campaignDecisionNotTaken', { campaign: id, fault: { code: 'INTERNAL', cause } }),
    );
  });

  /** Takes a decision into memory. Writes stand in a line: when this one's turn comes the decision's own has ended, one way or the other. */
  async function takeIn(id: string): Promise<void> {
    const row = await store.write((tx) =>
      tx.selectFrom('campaigns').select('version').where('id', '=', id).executeTakeFirst(),
    );
    const change = decisions.get(id);
    const campaign = open.get(id);
    decisions.delete(id);
    if (!change || !campaign || row?.version !== campaign.version + 1) return;
    applyChange(campaign, change);
    if (!openPhases.includes(campaign.progress.phase)) settle(campaign);
    await show(campaign);
  }

  /** Why somebody may not let the next ring begin: that is for whoever could have approved the campaign. */
  async function notPromotedBy(campaign: Campaign, by: Actor) {
    if (!may(by, 'campaigns.approve')) return fail('ROLE_INSUFFICIENT', { facts: { needs: 'campaigns.approve' } });
    const asked = await rooms.approvals.get(campaign.approval ?? '');
    if (!asked.ok) return undefined;
    if (asked.value.requestedBy === personOf(by)) return fail('APPROVAL_OWN');
    return (await areApart(store.db, asked.value.requestedBy, personOf(by))) ? undefined : fail('APPROVAL_NOT_APART');
  }

  let joinedAt = world.clock.monotonicMs();
  async function round(): Promise<void> {
    await callHeard();
    await feed();
    if (world.clock.monotonicMs() - joinedAt >= joinMs) {
      joinedAt = world.clock.monotonicMs();
      await join();
    }
    for (const campaign of open.values()) {
      if (!isActive(campaign) && campaign.openOrders === 0) continue;
      try {
        const { isChanged } = await tick(rooms, campaign, { others: [...open.values()], zoneOf });
        if (isChanged) await show(campaign);
      } catch (cause) {
        world.log('error', 'campaignTickFailed', { campaign: campaign.id, fault: { code: 'INTERNAL', cause } });
      }
      if (!openPhases.includes(campaign.progress.phase) && campaign.openOrders === 0) settle(campaign);
    }
  }

  let isTicking = false;
  const ticker = world.timers.every(tickMs, () => {
    if (isTicking) return;
    isTicking = true;
    inTurn(round)
      .catch((cause: unknown) => world.log('error', 'campaignRoundFailed', { fault: { code: 'INTERNAL', cause } }))
      .finally(() => {
        isTicking = false;
      });
  });

  const campaigns: Campaigns = {
    create: (spec, by) =>
      inTurn(async () => {
        if (open.size >= activeMax) return fail('CAMPAIGNS_TOO_MANY');
        const id = await createCampaign(rooms, spec, by);
        if (!id.ok) return id;
        const row = await rowOf(id.value);
        if (!row) return fail('CAMPAIGN_UNKNOWN');
        const campaign = await readCampaign(rooms, store.db, row);
        if (!campaign.ok) return campaign;
        open.set(id.value, campaign.value);
        world.log('info', 'campaignCreated', { campaign: id.value, by: by.subject });
        await show(campaign.value);
        return ok(await detailOf(store.db, campaign.value, world.clock.now()));
      }),
    dryRun: (spec) => dryRun(rooms, spec, zoneOf),
    async list(page) {
      const query = store.db.selectFrom('campaigns').select(['id', 'number']);
      const found = await pageOn(query, highestFirst('number'), page);
      if (!found.ok) return found;
      const items: CampaignSummary[] = [];
      for (const { id } of found.value.items) {
        const campaign = await find(id);
        if (campaign.ok) items.push(await summaryOf(store.db, campaign.value, world.clock.now()));
      }
      return ok({ ...found.value, items });
    },
    async get(id) {
      const campaign = await find(id);
      return campaign.ok ? ok(await detailOf(store.db, campaign.value, world.clock.now())) : campaign;
    },
    act: (id, verb, by, reason, version) =>
      inTurn(async () => {
        const found = await find(id);
        if (!found.ok) return found;
        const campaign = found.value;
        if (version !== undefined && version !== campaign.version)
          return fail('VERSION_CONFLICT', { facts: { base: version, newest: campaign.version } });
        const refusal = verb === 'promote' ? await notPromotedBy(campaign, by) : undefined;
        if (refusal) return refusal;
        if (verb === 'rollback' && !campaign.action.canGoBack) return fail('CAMPAIGN_CANNOT_GO_BACK');
        const failed = campaign.spec.rings.map((_, ring) => campaign.sets.common(`ring${ring}`, 'failed'));
        const next = act(campaign.progress, verb, by.subject, reason, failed);
        if (!next.ok) return next;
        const now = world.clock.now();
        if (verb === 'approve' || verb === 'reject') {
          const verdict = verb === 'approve' ? 'approved' : 'refused';
          const decided = await rooms.approvals.decide(campaign.approval ?? '', by, verdict, reason || undefined);
          if (!decided.ok) return decided;
          await takeIn(id);
          world.log('info', 'campaignActedOn', { campaign: id, verb, by: by.subject });
          return ok(await detailOf(store.db, campaign, now));
        }
        const change = changeOf(campaign, {
          progress: next.value,
          endedAt: openPhases.includes(next.value.phase) ? null : now,
        });
        let left: readonly Serial[] = [];
        await store.write(async (tx) => {
          if (verb === 'abort' || verb === 'rollback') {
            left = await withdraw(tx, campaign, await retrying(tx, campaign));
            const orders = await tx
              .selectFrom('campaign_orders')
              .select('job')
              .where('campaign', '=', id)
              .where('outcome', 'is', null)
              .execute();
            for (const { job } of orders) await rooms.jobs.cancelIn(tx, job);
          }
          await writeChange(tx, campaign, change);
          const facts = reason === '' ? {} : { reason };
          await noteEvent(tx, id, now, verb, by.subject, facts);
          await rooms.note(tx, {
            actor: by,
            action: `campaign.${verb}`,
            subject: `campaign/${id}`,
            before: { phase: campaign.progress.phase, version: campaign.version },
            after: { phase: next.value.phase, version: campaign.version + 1 },
            facts,
          });
        });
        applyChange(campaign, change);
        if (left.length > 0) rooms.twin.moved(...left);
        ended.delete(id);
        open.set(id, campaign);
        if (!isActive(campaign) && campaign.openOrders === 0 && !openPhases.includes(campaign.progress.phase))
          settle(campaign);
        world.log('info', 'campaignActedOn', { campaign: id, verb, by: by.subject });
        await show(campaign);
        return ok(await detailOf(store.db, campaign, now));
      }),
    async exceptions(id, page) {
      if (!(await rowOf(id))) return fail('CAMPAIGN_UNKNOWN');
      return await exceptionsOf(store.db, id, world.clock.now(), page);
    },
    async why({ target, serials, where = '', cursor, limit }) {
      const query = parseQuery(where);
      if (!query.ok) return fail(query.fault.code, { ...query.fault, field: `where:${query.fault.offset ?? 0}` });
      if (target.kind === 'campaign') await find(target.id);
      await numberTerminals(store.db);
      const all = [...open.values(), ...ended.values()].sort((one, other) => other.number - one.number);
      const answer = (about: readonly Serial[]) => explain(rooms, { campaigns: all, zoneOf }, target, about);
      if (serials) return ok({ items: await answer(serials), next: null });
      // One more says whether there is a next page.
      const wanted = { after: Number(cursor ?? 0), limit: limit + 1 };
      const found = await select(store.db, query.value, { now: world.clock.now() }, wanted);
      const part = found.slice(0, limit);
      return ok({
        items: await answer(part.map(({ serial }) => serial as Serial)),
        next: found.length > limit ? String(part.at(-1)?.ordinal) : null,
      });
    },
    async jobEnded(tx, job, state, fault) {
      const outcome = state === 'succeeded' ? 'done' : state === 'cancelled' ? 'cancelled' : 'failed';
      await tx
        .updateTable('campaign_orders')
        .set({ outcome, fault, ended_at: world.clock.now() })
        .where('job', '=', job)
        .execute();
    },
    heard(serial) {
      if (heard.size < heardMax) heard.add(serial);
    },
    round: () => inTurn(round),
    async close() {
      ticker.cancel();
      await inTurn(() => Promise.resolve());
      for (const { sets } of [...open.values(), ...ended.values()]) sets.close();
    },
  };
  return campaigns;
}
