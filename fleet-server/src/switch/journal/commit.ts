import type { DukptKsn } from '@tsunagu/protocols/dukpt';
import { toHex } from '@tsunagu/protocols/kit';
import type { Insertable, Transaction } from 'kysely';
import { type Database, selectRows } from '../../store/index.ts';
import type { NewPosting } from './postings.ts';
import type { SwitchTables } from './tables.ts';
import { newSales, type SaleRow, type Written, writeTables } from './written.ts';

/** What more there is to say of an entry of the journal. */
export type Facts = Readonly<Record<string, string | number | boolean>>;
type NewEntry = Omit<Insertable<SwitchTables['switch_journal']>, 'seq' | 'facts'> & { readonly facts: Facts };

/** The keys under which a request came. */
export interface SaleKey {
  readonly serial: string;
  readonly stan: string;
  readonly local_time: string;
}

/** What a piece of work is going to look at: it is read for all pieces of a commit at once. */
export interface Wants {
  /** The sale under this key, and a reversal of it that came before it. */
  readonly arriving?: SaleKey;
  /** The sale with this id. */
  readonly sale?: string;
}

export const textOf = ({ serial, stan, local_time }: SaleKey): string => `${stan}/${local_time}/${serial}`;
/** What is known of sales without a look into the tables, and is as it was committed. */
export interface KnownSales {
  sale(id: string): SaleRow | undefined;
  saleByKey(key: SaleKey): SaleRow | undefined;
}

/** A piece of work wants to look at what is on disk, and the commit was to be one statement. */
export class NotAlone extends Error {}

/** Whether two sets of facts can stand in one row: neither says otherwise than the other. */
function isBeside(facts: Facts, others: Facts): boolean {
  for (const name in others) if (facts[name] !== undefined && facts[name] !== others[name]) return false;
  return true;
}

/**
 * One commit of the journal. It sees its own writes, and brings them to the store in a few statements, however many sales they are of: before
 * anything else is done in the transaction, and at the end. One without a transaction takes what arrives as new where nobody knows of it, and goes into
 * the log (`log.ts`), which refuses it where that is not so.
 */
export class Commit {
  readonly #tx: Transaction<Database> | undefined;
  readonly #sales = new Map<string, SaleRow>();
  /** Sales and earlier reversals by the key of a request; undefined for none. */
  readonly #idByKey = new Map<string, string | undefined>();
  readonly #reversalByKey = new Map<string, string | undefined>();
  readonly #inserted = new Map<string, SaleRow>();
  readonly #updated = new Map<string, SaleRow>();
  readonly #counters = new Map<string, { counter: number; used_at: number }>();
  readonly #known: KnownSales;
  readonly #written = new Map<string, SaleRow>();
  #entries: NewEntry[] = [];
  /** Places in the entries, by sale. */
  readonly #entryOf = new Map<string, number>();
  #postings: NewPosting[] = [];

  constructor(tx: Transaction<Database> | undefined, known: KnownSales) {
    this.#tx = tx;
    this.#known = known;
  }

  /** Sales that were written here, as they are now. */
  get written(): ReadonlyMap<string, SaleRow> {
    return this.#written;
  }

  /** Reads what pieces of work want. */
  async read(wants: readonly Wants[]): Promise<void> {
    const tx = this.#transaction;
    const keys = new Map<string, SaleKey>();
    const ids = new Set<string>();
    for (const { arriving, sale } of wants) {
      if (arriving) keys.set(textOf(arriving), arriving);
      const known = sale === undefined ? undefined : this.#known.sale(sale);
      if (known) this.#sales.set(known.id, known);
      else if (sale !== undefined) ids.add(sale);
    }
    for (const row of await selectRows<'switch_sales', SaleRow>(
      tx,
      'switch_sales',
      ['id'],
      [...ids].map((id) => [id]),
    ))
      this.#sales.set(row.id, row);
    const tuples = [...keys.values()].map(({ serial, stan, local_time }) => [serial, stan, local_time]);
    for (const key of keys.keys()) {
      this.#idByKey.set(key, undefined);
      this.#reversalByKey.set(key, undefined);
    }
    for (const row of await selectRows<'switch_sales', SaleRow>(
      tx,
      'switch_sales',
      ['serial', 'stan', 'local_time'],
      tuples,
    )) {
      this.#sales.set(row.id, row);
      this.#idByKey.set(textOf(row), row.id);
    }
    for (const row of await selectRows<'switch_reversals', SaleKey & { readonly id: string }>(
      tx,
      'switch_reversals',
      ['serial', 'original_stan', 'original_local_time'],
      tuples,
      'id, serial, original_stan AS stan, original_local_time AS local_time',
    ))
      this.#reversalByKey.set(textOf(row), row.id);
  }

  /** The transaction itself, for what is done in it directly; what was written here is in it. */
  async direct(): Promise<Transaction<Database>> {
    const tx = this.#transaction;
    await this.flush();
    return tx;
  }

  get #transaction(): Transaction<Database> {
    if (!this.#tx) throw new NotAlone();
    return this.#tx;
  }

  async sale(id: string): Promise<SaleRow> {
    const known = this.#sales.get(id) ?? this.#known.sale(id);
    if (known) return known;
    const tx = await this.direct();
    return await tx.selectFrom('switch_sales').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  }

  async saleByKey(key: SaleKey): Promise<SaleRow | undefined> {
    const name = textOf(key);
    if (this.#tx && !this.#idByKey.has(name)) await this.#readAnew(key);
    const id = this.#idByKey.get(name);
    return id === undefined ? (this.#tx === undefined ? this.#known.saleByKey(key) : undefined) : this.#sales.get(id);
  }

  /** The id of a reversal that came before the sale that it names. */
  async reversalBefore(key: SaleKey): Promise<string | undefined> {
    const name = textOf(key);
    if (this.#tx && !this.#reversalByKey.has(name)) await this.#readAnew(key);
    return this.#reversalByKey.get(name);
  }

  async #readAnew(key: SaleKey): Promise<void> {
    await this.flush();
    await this.read([{ arriving: key }]);
  }

  insertSale(row: SaleRow): void {
    this.#inserted.set(row.id, row);
    this.#written.set(row.id, row);
    this.#sales.set(row.id, row);
    this.#idByKey.set(textOf(row), row.id);
  }

  /** Writes what a step changed of a sale. */
  updateSale(row: SaleRow): void {
    this.#sales.set(row.id, row);
    this.#written.set(row.id, row);
    (this.#inserted.has(row.id) ? this.#inserted : this.#updated).set(row.id, row);
  }

  /** What happens to one sale in one commit is one row, as long as no fact of it would take the place of another. */
  entry(entry: NewEntry): void {
    const at = entry.sale_id === null || entry.sale_id === undefined ? undefined : this.#entryOf.get(entry.sale_id);
    const before = at === undefined ? undefined : this.#entries[at];
    if (at !== undefined && before && before.serial === entry.serial && isBeside(before.facts, entry.facts))
      this.#entries[at] = {
        ...before,
        entry: `${before.entry} ${entry.entry}`,
        facts: Object.assign({}, before.facts, entry.facts),
      };
    else {
      if (entry.sale_id) this.#entryOf.set(entry.sale_id, this.#entries.length);
      this.#entries.push(entry);
    }
  }

  posting(posting: NewPosting): void {
    this.#postings.push(posting);
  }

  /** The highest counter used under an initial key. */
  counter({ initialKeyId, counter }: DukptKsn, at: number): void {
    const id = toHex(initialKeyId);
    if (counter > (this.#counters.get(id)?.counter ?? 0)) this.#counters.set(id, { counter, used_at: at });
  }

  /** Brings what was written so far into the transaction. */
  async flush(): Promise<void> {
    await writeTables(this.#transaction, this.take());
  }

  /** What was written since the last time. */
  take(): Written {
    const written = {
      ...newSales([...this.#inserted.values()]),
      updated: [...this.#updated.values()],
      entries: this.#entries.map((entry) => ({ ...entry, facts: JSON.stringify(entry.facts) })),
      counters: [...this.#counters].map(([initial_key_id, used]) => ({ initial_key_id, ...used })),
      postings: this.#postings,
    };
    this.#inserted.clear();
    this.#updated.clear();
    this.#counters.clear();
    this.#entries = [];
    this.#entryOf.clear();
    this.#postings = [];
    return written;
  }
}
