import type { DukptKsn } from '@tsunagu/protocols/dukpt';
import { toHex } from '@tsunagu/protocols/kit';
import type { Store } from '../../store/index.ts';

/** What is known of the counters of one initial key. */
interface Used {
  highest: number;
  /** Bit n: the counter that is n below the highest was used, too. What a start finds on file has the highest alone. */
  recent: number;
  /** How many that were used came again, and which the last one was. */
  again: number;
  lastAgain: number;
}
/** So many counters later it is forgotten that one came again. */
const againWithin = 256;
/** So many counters are kept one by one below the highest: bits of a number. */
const recentMax = 31;

/**
 * Sees to it that no DUKPT counter is used twice. A terminal only counts up, so the highest one is all there is on file.
 * X9.24-3:2017, 6.5.
 */
export class KeyCounters {
  readonly #store: Pick<Store, 'db'>;
  readonly #used = new Map<string, Used>();

  constructor(store: Pick<Store, 'db'>) {
    this.#store = store;
  }

  /** Reads what is on file about an initial key. Call it before `take`. */
  async load({ initialKeyId }: Pick<DukptKsn, 'initialKeyId'>): Promise<void> {
    const id = toHex(initialKeyId);
    if (this.#used.has(id)) return;
    const row = await this.#store.db
      .selectFrom('switch_counters')
      .select('counter')
      .where('initial_key_id', '=', id)
      .executeTakeFirst();
    if (!this.#used.has(id)) this.#used.set(id, { highest: row?.counter ?? 0, recent: 1, again: 0, lastAgain: 0 });
  }

  isFresh({ initialKeyId, counter }: DukptKsn): boolean {
    return counter > this.highest({ initialKeyId });
  }

  /** The highest that was used. */
  highest({ initialKeyId }: Pick<DukptKsn, 'initialKeyId'>): number {
    return this.#used.get(toHex(initialKeyId))?.highest ?? 0;
  }

  /**
   * Counts an authentic frame with a counter that is not fresh, where this very counter was used before: a terminal that lost its last writes does
   * it a few times in a row, two devices that hold one key do it all the time, however close together they count. The same one again is the same finding.
   * @returns how many different ones came again; 0 for one that was only overtaken by a higher one
   */
  cameAgain({ initialKeyId, counter }: DukptKsn): number {
    const used = this.#used.get(toHex(initialKeyId));
    const below = (used?.highest ?? 0) - counter;
    if (!used || below < 0 || below > recentMax || ((used.recent >>> below) & 1) === 0) return 0;
    if (counter === used.lastAgain) return used.again;
    used.again = counter - used.lastAgain > againWithin ? 1 : used.again + 1;
    used.lastAgain = counter;
    return used.again;
  }

  /** Marks a counter as used from now on, in memory; the commit of what it was used for makes it last. False when it was used before. */
  take(ksn: DukptKsn): boolean {
    if (!this.isFresh(ksn)) return false;
    const id = toHex(ksn.initialKeyId);
    const before = this.#used.get(id) ?? { highest: 0, recent: 0, again: 0, lastAgain: 0 };
    const step = ksn.counter - before.highest;
    const recent = step > recentMax ? 1 : (before.recent << step) | 1;
    this.#used.set(id, { ...before, highest: ksn.counter, recent });
    return true;
  }
}
