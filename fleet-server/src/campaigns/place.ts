import { serialSchema, type Serial } from '@tsunagu/protocols/fleet';
import type { Selectable, Transaction } from 'kysely';
import { among, type Database } from '../store/index.ts';
import type { Campaign, Change } from './campaign.ts';
import { factsOf } from './facts.ts';
import type { CampaignRooms } from './ports.ts';
import { causesOf, mayBeOrdered } from './rules/causes.ts';
import type { TerminalFacts } from './rules/match.ts';
import { type Credit, earn } from './rules/pace.ts';
import { ringOpenOf } from './rules/progress.ts';
import type { WindowState } from './rules/windows.ts';
import type { CampaignSets } from './sets.ts';
import type { CampaignTables } from './tables.ts';
import { viewOf } from './views.ts';

/** What a tick needs besides the rooms. */
export interface TickContext {
  readonly others: readonly Campaign[];
  readonly zoneOf: (facts: TerminalFacts) => string | undefined;
}

/** Terminals that one tick looks at, and orders that it makes; the next tick goes on. */
const looksMax = 1_000;
const ordersMax = 100;
/** Terminals whose facts are read together at least. */
const pageMin = 50;

type ExceptionRow = Selectable<CampaignTables['campaign_exceptions']>;

/** What a tick has found out before it orders. */
interface Found {
  /** What becomes of the campaign in this tick. */
  readonly change: Change;
  readonly context: TickContext;
  readonly draft: ReturnType<CampaignSets['draft']>;
  readonly now: number;
  /** Terminals with an order, over or not. */
  readonly busy: ReadonlySet<number>;
  /** Orders that are not over. */
  readonly openCount: number;
}

/** Whom a tick ordered something of, and where the next one goes on. */
interface Placed {
  readonly serials: readonly Serial[];
  /** Terminals that turned out to have it already. */
  readonly had: number;
  readonly credit: Credit | undefined;
  readonly lookedUpTo: number;
}

/** Orders what may be ordered, in the transaction of a tick: who was heard of lately first, then everybody in turn. */
export async function place(
  tx: Transaction<Database>,
  rooms: Pick<CampaignRooms, 'mayConnect'>,
  campaign: Campaign,
  { change, context, draft, now, busy, openCount }: Found,
): Promise<Placed> {
  const { action, sets, id } = campaign;
  const { phase } = change.progress;
  const none: Placed = { serials: [], had: 0, credit: campaign.credit, lookedUpTo: campaign.lookedUpTo };
  if (phase !== 'running' && phase !== 'rollingBack') return none;
  const isForward = phase === 'running';
  const { pace } = campaign.spec;
  const credit = earn(pace, campaign.credit, sets.size('done') - sets.size('had'), now);
  const budget = Math.min(ordersMax, pace.openMax - openCount, isForward ? Math.floor(credit.orders) : ordersMax);
  if (budget <= 0) return { ...none, credit };
  const waiting = isForward ? sets.waiting(ringOpenOf(change.progress)) : sets.changed();
  const candidates = choose(campaign, waiting, busy, Math.min(looksMax, budget * 10));
  const view = viewOf({ ...campaign, ...change, credit }, context.others, context.zoneOf, now);
  const serials: Serial[] = [];
  let had = 0;
  const looked = new Set<Candidate>();
  // Most often the first are enough, and the facts of the others need not be read.
  const pageSize = Math.max(budget, pageMin);
  for (let from = 0; from < candidates.length && serials.length < budget; from += pageSize)
    for (const one of await orderSome(candidates.slice(from, from + pageSize))) looked.add(one);
  for (const one of candidates) if (one.isCalled && !looked.has(one)) campaign.called.add(one.ordinal);
  return {
    serials,
    had,
    credit: isForward ? { ...credit, orders: credit.orders - serials.length } : credit,
    lookedUpTo: candidates.findLast((one) => !one.isCalled && looked.has(one))?.ordinal ?? campaign.lookedUpTo,
  };

  /** @returns those that were looked at: all of them, unless the orders ran out */
  async function orderSome(page: readonly Candidate[]): Promise<readonly Candidate[]> {
    const ordinals = page.map(({ ordinal }) => ordinal);
    const facts = await factsOf(tx, { ordinals });
    const exceptions = await exceptionsOf(ordinals);
    for (const [index, terminal] of facts.entries()) {
      if (serials.length >= budget) {
        const left = new Set(facts.slice(index).map(({ ordinal }) => ordinal));
        return page.filter(({ ordinal }) => !left.has(ordinal));
      }
      const exception = exceptions.get(terminal.ordinal);
      if (isForward && action.isHad(terminal)) await countHad(terminal, exception);
      else if (isForward ? mayGoForward(terminal, exception) : mayGoBack(terminal, exception)) await order(terminal);
    }
    return page;
  }

  async function exceptionsOf(ordinals: readonly number[]): Promise<ReadonlyMap<number, ExceptionRow>> {
    const rows = await tx
      .selectFrom('campaign_exceptions')
      .selectAll()
      .where('campaign', '=', id)
      .where(among('ordinal', ordinals))
      .execute();
    return new Map(rows.map((row) => [row.ordinal, row]));
  }

  async function countHad({ ordinal }: TerminalFacts, exception: ExceptionRow | undefined): Promise<void> {
    draft.add('done', ordinal);
    had += 1;
    // One that was ordered and then failed got it all the same, late: it is ours, and is brought back with the others.
    if (!exception) return draft.add('had', ordinal);
    await tx.deleteFrom('campaign_exceptions').where('campaign', '=', id).where('ordinal', '=', ordinal).execute();
  }

  function mayGoForward(terminal: TerminalFacts, row: ExceptionRow | undefined): boolean {
    const standing = {
      isInCohort: true,
      isDone: false,
      isBack: false,
      ring: sets.ringOf(terminal.ordinal),
      order: undefined,
      exception: row && { ...row, nextAt: row.next_at },
    };
    return mayBeOrdered(causesOf(view, standing, terminal, rooms.mayConnect(terminal.lifecycle), now));
  }

  function mayGoBack(terminal: TerminalFacts, row: ExceptionRow | undefined): boolean {
    return (
      view.held === undefined &&
      terminal.link === 'ready' &&
      rooms.mayConnect(terminal.lifecycle) &&
      (row?.next_at ?? 0) <= now &&
      (sets.has('done', terminal.ordinal) || action.isHad(terminal))
    );
  }

  async function order(terminal: TerminalFacts): Promise<void> {
    const leg = isForward ? 'forward' : 'back';
    const job = await action.order(tx, terminal, leg, `campaign:${id}`);
    if (job === undefined) return;
    const { ordinal } = terminal;
    await tx
      .insertInto('campaign_orders')
      .values({
        job,
        campaign: id,
        ordinal,
        leg,
        ordered_at: now,
        window_until: isForward ? closingOf(view.window(terminal)) : null,
        outcome: null,
        fault: null,
        ended_at: null,
      })
      .execute();
    serials.push(serialSchema.parse(terminal.serial));
  }
}

const closingOf = (window: WindowState): number | null => (window.isOpen ? (window.closesAt ?? null) : null);

/** Somebody to look at: because it called, or in its turn. */
interface Candidate {
  readonly ordinal: number;
  readonly isCalled: boolean;
}

/** Whom to look at: those that called, then the next ones in turn. */
function choose(
  campaign: Campaign,
  waiting: Uint32Array,
  busy: ReadonlySet<number>,
  max: number,
): readonly Candidate[] {
  const chosen = new Map<number, Candidate>();
  const isIn = (ordinal: number): boolean => waiting[placeOf(waiting, ordinal)] === ordinal;
  for (const ordinal of campaign.called) {
    campaign.called.delete(ordinal);
    if (chosen.size < max && isIn(ordinal) && !busy.has(ordinal)) chosen.set(ordinal, { ordinal, isCalled: true });
  }
  const first = placeOf(waiting, campaign.lookedUpTo + 1);
  for (let step = 0; step < waiting.length && chosen.size < max; step++) {
    const ordinal = waiting[(first + step) % waiting.length] ?? 0;
    if (!busy.has(ordinal) && !chosen.has(ordinal)) chosen.set(ordinal, { ordinal, isCalled: false });
  }
  return [...chosen.values()];
}

/** Where an ordinal is, or would be, in a rising list. */
function placeOf(list: Uint32Array, ordinal: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) < ordinal) low = middle + 1;
    else high = middle;
  }
  return low;
}
