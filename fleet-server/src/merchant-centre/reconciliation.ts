import {
  businessDay,
  differencesOf,
  fetchItems,
  functions,
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
import { type DecodedMessage, type FieldValue, repeatMti } from '@tsunagu/protocols/iso8583';
import type { World } from '@tsunagu/protocols/world';
import type { CentreBooks, CountedItem, WrittenBooks } from './books.ts';
import type { CentreLine } from './centre-line.ts';

/** What a comparison of a business day came to. */
export interface ReconciledDay {
  /** YYMMDD. */
  readonly day: string;
  /** It is over, and closed where both sides agree. */
  readonly isFinal: boolean;
  /** DE39 of the 1530: 500 in balance, 501 not; undefined where none came. */
  readonly actionCode: string | undefined;
  readonly ours: ReconciliationTotals;
  readonly theirs: ReconciliationTotals | undefined;
  /** Item by item, where the far side gives its items. */
  readonly differences: readonly ReconciliationDifference[];
}

/** How often the same is asked before it is given up. */
const attemptsMax = 6;

/** A merchant centre compares its business days with the far side: totals (1520), and items (1604, DE24 690) where they differ. */
export class CentreReconciliation {
  readonly #world: Pick<World, 'clock'>;
  readonly #line: CentreLine;
  readonly #books: CentreBooks;
  readonly #link: Link;
  readonly #acquirerId: string;
  readonly #nextStan: () => string;
  readonly #timeoutMs: number;
  readonly #reachable: () => Promise<boolean>;

  constructor(
    world: Pick<World, 'clock'>,
    line: CentreLine,
    books: CentreBooks,
    link: Link,
    centre: {
      readonly acquirerId: string;
      readonly nextStan: () => string;
      readonly timeoutMs: number;
      /** Waits until the far side can be asked. False: nobody waits for that any more. */
      readonly reachable: () => Promise<boolean>;
    },
  ) {
    this.#world = world;
    this.#line = line;
    this.#books = books;
    this.#link = link;
    this.#acquirerId = centre.acquirerId;
    this.#nextStan = centre.nextStan;
    this.#timeoutMs = centre.timeoutMs;
    this.#reachable = centre.reachable;
  }

  /** Compares today so far (DE24 501), and each day before that is not closed yet for good (500). */
  async reconcile(): Promise<readonly ReconciledDay[]> {
    const today = businessDay(this.#link, this.#world.clock.now());
    const books = await this.#books.read();
    const days = [...new Set([...books.openDays, today])].sort();
    const reconciled: ReconciledDay[] = [];
    for (const day of days) {
      const isFinal = day < today;
      const found = await this.#compare(day, isFinal, books, days);
      if (isFinal && found.actionCode === '500') this.#books.close(day);
      reconciled.push(found);
    }
    await this.#books.flushed();
    return reconciled;
  }

  async #compare(
    day: string,
    isFinal: boolean,
    { counted, untold }: WrittenBooks,
    openDays: readonly string[],
  ): Promise<ReconciledDay> {
    const items = counted.filter((item) => item.day === day);
    const first = await this.#totals(day, isFinal, items);
    if (first.actionCode !== '501') return first;
    const there = await this.#itemsOf(day);
    if (!there) return first;
    // Taken before the end of a day, given back after it: the other half stands on another day, or was learnt there.
    const elsewhere: ReconciliationItem[] = counted.filter((item) => item.day !== day);
    for (const other of untold.length > 0 ? openDays : [])
      if (other !== day) elsewhere.push(...((await this.#itemsOf(other)) ?? []));
    const learnt = learn(day, items, there, elsewhere, untold);
    if (learnt.length === 0) return { ...first, differences: differencesOf(items, there) };
    for (const item of learnt) this.#books.count(item);
    const all = [...items, ...learnt];
    const again = await this.#totals(day, isFinal, all);
    return again.actionCode === '501' ? { ...again, differences: differencesOf(all, there) } : again;
  }

  #itemsOf(day: string): ReturnType<typeof fetchItems> {
    return fetchItems(day, (elements) => this.#ask('1604', elements));
  }

  async #totals(day: string, isFinal: boolean, items: readonly ReconciliationItem[]): Promise<ReconciledDay> {
    const { netRule } = this.#link.profile.reconciliation;
    const ours = totalsOf(items);
    const answer = await this.#ask('1520', {
      24: isFinal ? functions.reconciliation : functions.checkpoint,
      28: day,
      ...totalsElements(ours, netRule, terminalLink.currency),
    });
    const theirs = answer && readTotals(answer, netRule);
    return {
      day,
      isFinal,
      actionCode: answer?.text(39),
      ours,
      theirs: theirs?.ok ? theirs.value : undefined,
      differences: [],
    };
  }

  /** As it is, then as its repeat. */
  async #ask(mti: string, fields: { readonly [element: number]: FieldValue }): Promise<DecodedMessage | undefined> {
    const now = this.#world.clock.now();
    const asked = {
      7: transmissionTime(now),
      11: this.#nextStan(),
      12: localTransactionTime(now),
      32: this.#acquirerId,
      ...fields,
    };
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      if (!(await this.#reachable())) return undefined;
      const said = attempt === 0 ? mti : (repeatMti(mti) ?? mti);
      const answer = await this.#line.request({ mti: said, fields: asked }, this.#timeoutMs);
      if (answer) return answer;
    }
    return undefined;
  }
}

/**
 * What the far side counted on a day of requests whose answer never came here: taken and given back it comes to nothing, and the centre adds both. What was taken
 * there and not given back, although the reversal was accepted, stays a difference.
 * @param elsewhere what counts on other days
 */
function learn(
  day: string,
  ours: readonly ReconciliationItem[],
  there: readonly ReconciliationItem[],
  elsewhere: readonly ReconciliationItem[],
  untold: readonly CountedItem[],
): readonly CountedItem[] {
  const theirsAlone = differencesOf(ours, there).filter(({ oursMinor }) => oursMinor === null);
  const textOf = ({ stan, localTime }: Pick<CountedItem, 'stan' | 'localTime'>, kind: string, minor: number | null) =>
    `${localTime} ${stan} ${kind} ${minor}`;
  const known = new Set([...there, ...elsewhere].map((item) => textOf(item, item.kind, item.amountMinor)));
  const unheard = new Map(theirsAlone.map((item) => [textOf(item, item.kind, item.theirsMinor), item]));
  return untold.flatMap((asked) => {
    const { stan, localTime, kind, amountMinor } = asked;
    const both = [kind, `${kind}-reversal`].map((each) => textOf(asked, each, amountMinor));
    if (!both.every((text) => known.has(text))) return [];
    return both.flatMap((text) => {
      const item = unheard.get(text);
      return item ? [{ day, stan, localTime, kind: item.kind, amountMinor }] : [];
    });
  });
}
