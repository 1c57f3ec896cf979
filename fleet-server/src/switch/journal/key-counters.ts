import type { DukptKsn } from '@tsunagu/protocols/dukpt';
import { toHex } from '@tsunagu/protocols/kit';
import type { Store } from '../../store/index.ts';

/**
 * Sees to it that no DUKPT counter is used twice. A terminal only counts up, so the highest one is all there is to keep.
 * X9.24-3:2017, 6.5.
 */
export class KeyCounters {
  readonly #store: Pick<Store, 'db'>;
  readonly #highest = new Map<string, number>();

  constructor(store: Pick<Store, 'db'>) {
    this.#store = store;
  }

  /** Reads what is on file about an initial key. Call it before `take`. */
  async load({ initialKeyId }: Pick<DukptKsn, 'initialKeyId'>): Promise<void> {
    const id = toHex(initialKeyId);
    if (this.#highest.has(id)) return;
    const row = await this.#store.db
      .selectFrom('switch_counters')
      .select('counter')
      .where('initial_key_id', '=', id)
      .executeTakeFirst();
    if (!this.#highest.has(id)) this.#highest.set(id, row?.counter ?? 0);
  }

  isFresh({ initialKeyId, counter }: DukptKsn): boolean {
    return counter > (this.#highest.get(toHex(initialKeyId)) ?? 0);
  }

  /** The highest that was used. */
  highest({ initialKeyId }: Pick<DukptKsn, 'initialKeyId'>): number {
    return this.#highest.get(toHex(initialKeyId)) ?? 0;
  }

  /** Marks a counter as used from now on, in memory; the commit of what it was used for makes it last. False when it was used before. */
  take(ksn: DukptKsn): boolean {
    if (!this.isFresh(ksn)) return false;
    this.#highest.set(toHex(ksn.initialKeyId), ksn.counter);
    return true;
  }
}
