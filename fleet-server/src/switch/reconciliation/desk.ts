import {
  answerTo,
  businessDay,
  differencesOf,
  fetchItems,
  firstUnequal,
  functions,
  itemsAnswer,
  type Link,
  localTransactionTime,
  readTotals,
  type ReconciliationDifference,
  type ReconciliationItem,
  type ReconciliationTotals,
  terminalLink,
  totalsElements,
  totalsOf,
  transmissionTime,
} from '@tsunagu/protocols/acquiring';
import {
  type DecodedMessage,
  type FieldValue,
  type Message,
  originalMti,
  responseMti,
} from '@tsunagu/protocols/iso8583';
import { namedDay } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Store } from '../../store/index.ts';
import type { IssuerLink } from '../issuer-link/issuer-link.ts';
import type { Commit, Facts } from '../journal/commit.ts';
import type { Journal } from '../journal/journal.ts';
import type { Numbers } from '../journal/numbers.ts';
import { itemsOf } from '../journal/postings.ts';
import { notApproved } from '../journal/tables.ts';
import { countedOf, type DayRow, differencesOfDay, type HandFault, keepDay, settleDay, settlingOf } from './days.ts';
import type { SaleState } from '../transaction/rules.ts';

const inBalance = '500';
/** What says that a day was compared, whatever came of it. ISO 8583:1993, A.1. */
const compared = /^5\d\d$/;

/** What became of a comparison. */
export interface Reconciled {
  readonly day: DayRow;
  readonly differences: readonly ReconciliationDifference[];
}

/**
 * Compares business days with the far side of a link, at any time and without a pause. Counters are sums of the postings of the journal. With an issuer we
 * ask (1520); a centre asks us. Where the figures differ, the items are compared one by one (1604, DE24 690).
 */
export class ReconciliationDesk {
  readonly #world: Pick<World, 'clock' | 'log'>;
  readonly #store: Pick<Store, 'db'>;
  readonly #journal: Journal;

  constructor(world: Pick<World, 'clock' | 'log'>, store: Pick<Store, 'db'>, journal: Journal) {
    this.#world = world;
    this.#store = store;
    this.#journal = journal;
  }

  /** What we have of a day. */
  async totals(link: string, day: string): Promise<ReconciliationTotals> {
    return totalsOf(await itemsOf(this.#store.db, link, day));
  }

  /** Whether a day has not begun: what comes for a day that is closed counts on the next one, whatever the clock says. */
  async isAhead(link: string, day: string, today: string): Promise<boolean> {
    return day > today && Object.values(await this.totals(link, day)).every((figure) => figure === 0);
  }

  /** The answer to a 1520, or to a request for items; undefined for another message. */
  async answer(link: Link, message: DecodedMessage): Promise<Message | undefined> {
    const mti = originalMti(message.mti);
    const day = message.text(28);
    const answer = (added: { readonly [element: number]: FieldValue }): Message =>
      answerTo(message, responseMti(message.mti) ?? '1530', echoed, added);
    if (mti === '1520')
      return day === undefined ? answer({ 39: '904' }) : await this.#compare(link, message, day, answer);
    if (mti !== '1604' || message.text(24) !== functions.items || day === undefined) return undefined;
    return answer(itemsAnswer(await itemsOf(this.#store.db, link.id, day), message));
  }

  /**
   * A centre has its totals of a day. A day that is over is closed if they agree, or if the link's policy settles anyway. One that was closed before is compared
   * with the totals that count since then, and these are what it is told.
   */
  async #compare(
    link: Link,
    message: DecodedMessage,
    day: string,
    answer: (added: { readonly [element: number]: FieldValue }) => Message,
  ): Promise<Message> {
    const { netRule, outOfBalance } = link.profile.reconciliation;
    const theirs = readTotals(message, netRule);
    if (!theirs.ok) return answer({ 39: '904', ...faultElement(link, theirs.fault.field) });
    if (!namedDay.safeParse(day).success) return answer({ 39: '904', ...faultElement(link, 28) });
    const isFinal = message.text(24) === functions.reconciliation;
    const today = businessDay(link, this.#world.clock.now());
    // A day that is not over cannot be closed: its messages still come. One that has not begun is not kept either.
    if ((isFinal && day >= today) || (await this.isAhead(link.id, day, today))) return answer({ 39: '915' });
    const { row, wasClosed } = await this.#journal.write(async (tx, commit) => {
      const ours = totalsOf(await itemsOf(tx, link.id, day));
      const isBalanced = firstUnequal(ours, theirs.value) === undefined;
      const why = settlingOf(isBalanced, outOfBalance, theirs.value);
      const kept = await keepDay(tx, {
        link: link.id,
        day,
        state: isFinal && why !== undefined ? 'closed' : 'open',
        ours,
        theirs: theirs.value,
        result: isBalanced ? 'balanced' : isFinal && why === undefined ? 'held' : 'unbalanced',
        at: this.#world.clock.now(),
        settled: isFinal && why !== undefined ? { why, by: link.id } : undefined,
      });
      if (!kept.wasClosed) this.#tell(commit, kept.row, { by: link.id });
      return kept;
    });
    this.#say(row);
    // In the answer that closes it our own totals say that they differ, whoever's count.
    const ours = wasClosed ? countedOf(row) : (JSON.parse(row.ours) as ReconciliationTotals);
    return answer({
      39: firstUnequal(ours, theirs.value) === undefined ? '500' : '501',
      ...totalsElements(ours, netRule, terminalLink.currency),
    });
  }

  /**
   * Asks an issuer whether it has what we have of a day. `isFinal` closes the day: SWITCH_DAY_CLOSED when it is already; SWITCH_DAY_OPEN while it is not over,
   * or while transactions of it have no outcome yet. `by`: who wants it. ISSUER_LINK_DOWN, ISSUER_TIMEOUT and ISSUER_DAY_REFUSED (an answer other than
   * 5xx) leave it as it was.
   */
  async reconcile(
    issuer: IssuerLink,
    numbers: Numbers,
    day: string,
    isFinal: boolean,
    by: string,
  ): Promise<
    Result<
      Reconciled,
      'SWITCH_DAY_CLOSED' | 'SWITCH_DAY_OPEN' | 'ISSUER_DAY_REFUSED' | 'ISSUER_LINK_DOWN' | 'ISSUER_TIMEOUT'
    >
  > {
    const { link } = issuer;
    const known = await this.#store.db
      .selectFrom('switch_days')
      .select('state')
      .where('link', '=', link.id)
      .where('day', '=', day)
      .executeTakeFirst();
    if (isFinal && known?.state === 'closed') return fail('SWITCH_DAY_CLOSED', { facts: { link: link.id, day } });
    if (isFinal && !(await this.#isOver(link, day))) return fail('SWITCH_DAY_OPEN', { facts: { link: link.id, day } });
    if (!issuer.isReady) return fail('ISSUER_LINK_DOWN', { facts: { link: link.id } });
    const { netRule, outOfBalance } = link.profile.reconciliation;
    /** Our side is read first, so that whatever we have and it has not is a difference. */
    const look = async () => {
      const items = await itemsOf(this.#store.db, link.id, day);
      const asked = await this.#ask(issuer, numbers, '1520', {
        24: isFinal ? functions.reconciliation : functions.checkpoint,
        28: day,
        ...totalsElements(totalsOf(items), netRule, terminalLink.currency),
      });
      const told = asked && readTotals(asked, netRule);
      // Who says that all is in balance, and has other totals, is not believed.
      const isOther = told?.ok === true && firstUnequal(totalsOf(items), told.value) !== undefined;
      const isEqual = asked?.text(39) === inBalance && !isOther;
      const there = isEqual
        ? items
        : asked && (await fetchItems(day, (elements) => this.#ask(issuer, numbers, '1604', elements)));
      return { items, asked, told, isEqual, there };
    };
    let looked = await look();
    if (looked.there && (await this.#takeUntold(link, day, differencesOf(looked.items, looked.there))))
      looked = await look();
    const { items, asked, told, isEqual, there } = looked;
    if (!asked || !told) return fail('ISSUER_TIMEOUT', { facts: { link: link.id, day } });
    const actionCode = asked.text(39) ?? '';
    // It has not compared anything: no policy settles a day on that.
    if (!compared.test(actionCode)) return fail('ISSUER_DAY_REFUSED', { facts: { link: link.id, day, actionCode } });
    const ours = totalsOf(items);
    // Sales go on while an open day is compared.
    const underWay = there && !isFinal ? await this.#underWay(link, day, differencesOf(items, there)) : nothingUnderWay;
    const settled = there?.filter((item) => !underWay.has(itemKey(item)));
    const found = settled && differencesOf(items, settled);
    const theirs = settled && underWay.size > 0 ? totalsOf(settled) : told.ok ? told.value : undefined;
    const isBalanced = isEqual || (underWay.size > 0 && found?.length === 0);
    const why = settlingOf(isBalanced, outOfBalance, theirs);
    const { row } = await this.#journal.write(async (tx, commit) => {
      const kept = await keepDay(
        tx,
        {
          link: link.id,
          day,
          state: isFinal && why !== undefined ? 'closed' : 'open',
          ours,
          theirs,
          result: isBalanced ? 'balanced' : isFinal && why === undefined ? 'held' : 'unbalanced',
          at: this.#world.clock.now(),
          settled: isFinal && why !== undefined ? { why, by } : undefined,
        },
        found && { found: isBalanced ? [] : found, saleOf: saleFinder(items) },
      );
      this.#tell(commit, kept.row, { by });
      return kept;
    });
    this.#say(row);
    return ok({ day: row, differences: await differencesOfDay(this.#store.db, link.id, day) });
  }

  /**
   * A sale whose answer was lost is reversed, and nobody told us whether the issuer ever had it. Its items say so: what it took and gave back counts here as
   * well. What it took and did not give back, although it accepted the reversal, is a difference.
   * @returns whether something counts that did not before
   */
  async #takeUntold(link: Link, day: string, differences: readonly ReconciliationDifference[]): Promise<boolean> {
    let isChanged = false;
    // What was taken first: nothing else can be given back.
    for (const kind of ['taken', 'given-back'] as const)
      for (const { stan, localTime, kind: item, oursMinor, theirsMinor } of differences) {
        if (oursMinor !== null || item.endsWith('-reversal') !== (kind === 'given-back')) continue;
        const sale = await this.#journal.saleByOutStan(link.id, stan, localTime);
        const isGoingBack = sale?.state === 'reversed' || (sale?.state === 'reversing' && kind === 'taken');
        if (!sale || !isGoingBack || sale.amount_minor !== theirsMinor) continue;
        const isBackThere = differences.some(
          (other) => other.theirsMinor === theirsMinor && isReversalOf(other, stan, localTime),
        );
        const reversedDay =
          kind === 'taken' && !isBackThere && sale.state === 'reversed'
            ? await this.#journal.reversedDay(sale)
            : undefined;
        const event = { type: 'issuerCounted', kind, day, reversedDay } as const;
        await this.#journal.step(sale, event, '', neverAnswered, { kind, day });
        isChanged = true;
      }
    return isChanged;
  }

  /**
   * What only the issuer has of a day that goes on because its word is still on its way, or came after our items were read.
   */
  async #underWay(
    link: Link,
    day: string,
    differences: readonly ReconciliationDifference[],
  ): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    const theirsAlone = differences.filter(({ oursMinor }) => oursMinor === null);
    if (theirsAlone.length === 0) return found;
    for (const item of theirsAlone) {
      const sale = await this.#journal.saleByOutStan(link.id, item.stan, item.localTime);
      const awaited: readonly SaleState[] = item.kind.endsWith('-reversal')
        ? ['reversing', 'voiding']
        : ['send-intended'];
      if (sale && awaited.includes(sale.state) && sale.amount_minor === item.theirsMinor) found.add(itemKey(item));
    }
    // Whatever was not awaited any more by then has its item.
    const items = await itemsOf(this.#store.db, link.id, day);
    const byNow = new Map(items.map((item) => [itemKey(item), item.amountMinor]));
    for (const item of theirsAlone) if (byNow.get(itemKey(item)) === item.theirsMinor) found.add(itemKey(item));
    return found;
  }

  /** A day is over when the calendar says so and nothing of it is without an outcome. */
  async #isOver(link: Link, day: string): Promise<boolean> {
    if (day >= businessDay(link, this.#world.clock.now())) return false;
    const open = await this.#store.db
      .selectFrom('switch_sales')
      .select('seq')
      .where('link', '=', link.id)
      .where('issuer_day', '<=', day)
      .where('state', '=', 'send-intended')
      .where(notApproved)
      .limit(1)
      .executeTakeFirst();
    return open === undefined;
  }

  /** Days that are over by so much that they can be reconciled, and are not yet: oldest first. */
  async due(link: Link): Promise<readonly string[]> {
    const until = businessDay(link, this.#world.clock.now() - link.calendar.reconcileAfterMinutes * 60_000);
    // One look at the index for each day: this is asked every minute, and a day may have a million postings.
    const days: string[] = [];
    for (let after = ''; ; ) {
      const { day } = await this.#store.db
        .selectFrom('switch_postings')
        .select((on) => on.fn.min<string | null>('day').as('day'))
        .where('link', '=', link.id)
        .where('day', '>', after)
        .where('day', '<', until)
        .executeTakeFirstOrThrow();
      if (day === null) break;
      days.push(day);
      after = day;
    }
    const done = await this.#store.db
      .selectFrom('switch_days')
      .select(['day', 'state', 'result'])
      .where('link', '=', link.id)
      .execute();
    const settled = new Set(
      done.filter(({ state, result }) => state === 'closed' || result === 'held').map(({ day }) => day),
    );
    return days.filter((day) => !settled.has(day));
  }

  async #ask(
    issuer: IssuerLink,
    numbers: Numbers,
    mti: string,
    fields: { readonly [element: number]: FieldValue },
  ): Promise<DecodedMessage | undefined> {
    const now = this.#world.clock.now();
    const message: Message = {
      mti,
      fields: {
        7: transmissionTime(now),
        11: await numbers.next(),
        12: localTransactionTime(now),
        32: issuer.link.parties.own,
        ...fields,
      },
    };
    const answer = await issuer.request(message, issuer.link.profile.timers.requestMs);
    return answer.type === 'answered' ? answer.message : undefined;
  }

  /**
   * A person settles a day that is held, by the figures of one side: it is closed, and takes nothing more. Ours are what the postings say in the commit that closes it. Order of
   * faults: SWITCH_DAY_NOT_COMPARED, SWITCH_DAY_CLOSED, SWITCH_DAY_NOT_HELD, SWITCH_DAY_THEIRS_UNKNOWN (nothing is settled by totals that nobody has).
   */
  async settle(
    link: string,
    day: string,
    figures: 'ours' | 'theirs',
    by: string,
    reason: string,
  ): Promise<Result<DayRow, HandFault>> {
    const settled = await this.#journal.write(async (tx, commit) => {
      const closed = await settleDay(tx, { link, day, figures, by, at: this.#world.clock.now() });
      if (closed.ok) this.#tell(commit, closed.value, { by, reason });
      return closed;
    });
    if (settled.ok) this.#say(settled.value);
    return settled;
  }

  /** What a day came to is in the journal, in the commit that keeps it: counters are projections of what stands there. */
  #tell(commit: Commit, { link, day, state, result, differences, figures }: DayRow, who: Facts): void {
    const facts = { link, day, result, state, differences, ...(figures !== null && { figures }), ...who };
    this.#journal.entry(commit, 'reconciled', undefined, undefined, facts);
  }

  #say({ link, day, state, result, differences, figures }: DayRow): void {
    const facts = { link, day, state, result, differences, figures };
    this.#world.log(result === 'balanced' ? 'info' : 'warn', 'reconciled', facts);
  }
}

const nothingUnderWay: ReadonlySet<string> = new Set();

const itemKey = ({ stan, localTime, kind }: Pick<ReconciliationItem, 'stan' | 'localTime' | 'kind'>): string =>
  `${localTime}/${stan}/${kind}`;

const isReversalOf = (
  { stan, localTime, kind, oursMinor }: ReconciliationDifference,
  ofStan: string,
  ofTime: string,
): boolean => oursMinor === null && kind.endsWith('-reversal') && stan === ofStan && localTime === ofTime;

const neverAnswered = (): never => {
  throw new Error('what a day says answers nobody');
};

/** Elements that an answer repeats. */
const echoed = [7, 11, 12, 24, 28, 32, 71, 93, 94];

const faultElement = (link: Link, field: string | number | undefined): { [element: number]: string } => {
  const element = link.profile.formatErrorElement;
  if (element === undefined) return {};
  return { [element]: element === 38 ? String(field ?? 0).padStart(6, ' ') : `DE${field ?? 0}` };
};

const saleFinder = (items: readonly (ReconciliationItem & { readonly saleId: string })[]) => {
  const sales = new Map(items.map((item) => [`${item.stan}/${item.localTime}`, item.saleId]));
  return (stan: string, localTime: string): string | undefined => sales.get(`${stan}/${localTime}`);
};
