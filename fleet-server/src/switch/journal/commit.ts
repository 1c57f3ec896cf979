import { toHex } from '@tsunagu/protocols/kit';
import type { DukptKsn } from '@tsunagu/protocols/dukpt';
import type { Insertable, Selectable, Transaction } from 'kysely';
import { type Columns, type Database, insertRows, selectRows, updateRows } from '../../store/index.ts';
import { type NewPosting, writePostings } from './postings.ts';
import type { SwitchTables } from './tables.ts';

/** A sale as it stands in the journal. */
export type SaleRow = Omit<Selectable<SwitchTables['switch_sales']>, 'seq'>;
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

const textOf = ({ serial, stan, local_time }: SaleKey): string => `${stan}/${local_time}/${serial}`;
/** What a step may change of a sale. */
const stepColumns = {
  plain: ['state', 'decided_by', 'action_code', 'approval_code', 'reason', 'answered_at'],
  bytes: ['answer'],
} as const satisfies Columns<SaleRow>;
/** What a sale has that is not decided yet. */
const openColumns = {
  // biome-ignore format: a table
  plain: [
    'id', 'serial', 'stan', 'local_time', 'body_tag', 'kind', 'original_id', 'received_at', 'amount_minor', 'currency', 'scheme', 'entry', 'pan_token',
    'last_four', 'routing_version', 'link', 'out_stan', 'rrn', 'state', 'origin', 'acquirer', 'terminal_id', 'merchant_id', 'acquirer_day', 'issuer_day',
  ],
  bytes: ['image'],
} as const satisfies Columns<SaleRow>;
const decidedColumns: Columns<SaleRow> = {
  plain: [...openColumns.plain, ...stepColumns.plain.filter((name) => name !== 'state')],
  bytes: [...openColumns.bytes, ...stepColumns.bytes],
};
const entryColumns = { plain: ['at', 'sale_id', 'serial', 'entry', 'facts'] } as const;
const counterColumns = { plain: ['initial_key_id', 'counter', 'used_at'] } as const;

/**
 * One commit of the journal. It sees its own writes, and brings them to the store in a few statements, however many sales they are of: before
 * anything else is done in the transaction, and at the end.
 */
export class Commit {
  readonly #tx: Transaction<Database>;
  readonly #sales = new Map<string, SaleRow>();
  /** Sales and earlier reversals by the key of a request; undefined for none. */
  readonly #idByKey = new Map<string, string | undefined>();
  readonly #reversalByKey = new Map<string, string | undefined>();
  readonly #inserted = new Map<string, SaleRow>();
  readonly #updated = new Map<string, SaleRow>();
  readonly #counters = new Map<string, { counter: number; used_at: number }>();
  readonly #open: ReadonlyMap<string, SaleRow>;
  readonly #written = new Map<string, SaleRow>();
  #entries: NewEntry[] = [];
  /** Places in the entries, by sale. */
  readonly #entryOf = new Map<string, number>();
  #postings: NewPosting[] = [];

  /** @param open sales as they stand on disk that need not be read */
  constructor(tx: Transaction<Database>, open: ReadonlyMap<string, SaleRow>) {
    this.#tx = tx;
    this.#open = open;
  }

  /** Sales that were written here, as they are now. */
  get written(): ReadonlyMap<string, SaleRow> {
    return this.#written;
  }

  /** Reads what pieces of work want. */
  async read(wants: readonly Wants[]): Promise<void> {
    const keys = new Map<string, SaleKey>();
    const ids = new Set<string>();
    for (const { arriving, sale } of wants) {
      if (arriving) keys.set(textOf(arriving), arriving);
      const known = sale === undefined ? undefined : this.#open.get(sale);
      if (known) this.#sales.set(known.id, known);
      else if (sale !== undefined) ids.add(sale);
    }
    for (const row of await selectRows<'switch_sales', SaleRow>(
      this.#tx,
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
      this.#tx,
      'switch_sales',
      ['serial', 'stan', 'local_time'],
      tuples,
    )) {
      this.#sales.set(row.id, row);
      this.#idByKey.set(textOf(row), row.id);
    }
    for (const row of await selectRows<'switch_reversals', SaleKey & { readonly id: string }>(
      this.#tx,
      'switch_reversals',
      ['serial', 'original_stan', 'original_local_time'],
      tuples,
      'id, serial, original_stan AS stan, original_local_time AS local_time',
    ))
      this.#reversalByKey.set(textOf(row), row.id);
  }

  /** The transaction itself, for what is done in it directly; what was written here is in it. */
  async direct(): Promise<Transaction<Database>> {
    await this.flush();
    return this.#tx;
  }

  async sale(id: string): Promise<SaleRow> {
    const known = this.#sales.get(id);
    if (known) return known;
    const tx = await this.direct();
    return await tx.selectFrom('switch_sales').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  }

  async saleByKey(key: SaleKey): Promise<SaleRow | undefined> {
    const name = textOf(key);
    if (!this.#idByKey.has(name)) await this.#readAnew(key);
    const id = this.#idByKey.get(name);
    return id === undefined ? undefined : this.#sales.get(id);
  }

  /** The id of a reversal that came before the sale that it names. */
  async reversalBefore(key: SaleKey): Promise<string | undefined> {
    const name = textOf(key);
    if (!this.#reversalByKey.has(name)) await this.#readAnew(key);
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

  /** What happens to one sale in one commit is one row. */
  entry(entry: NewEntry): void {
    const at = entry.sale_id === null || entry.sale_id === undefined ? undefined : this.#entryOf.get(entry.sale_id);
    const before = at === undefined ? undefined : this.#entries[at];
    if (at !== undefined && before)
      this.#entries[at] = {
        ...before,
        entry: `${before.entry} ${entry.entry}`,
        facts: { ...before.facts, ...entry.facts },
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
    const [inserted, updated] = [[...this.#inserted.values()], [...this.#updated.values()]];
    const [entries, postings] = [this.#entries, this.#postings];
    const counters = [...this.#counters].map(([initial_key_id, used]) => ({ initial_key_id, ...used }));
    this.#inserted.clear();
    this.#updated.clear();
    this.#counters.clear();
    this.#entries = [];
    this.#entryOf.clear();
    this.#postings = [];
    const isOpen = ({ answer }: SaleRow): boolean => answer === null;
    await insertRows(this.#tx, 'switch_sales', openColumns, inserted.filter(isOpen));
    await insertRows(
      this.#tx,
      'switch_sales',
      decidedColumns,
      inserted.filter((row) => !isOpen(row)),
    );
    await updateRows(this.#tx, 'switch_sales', 'id', stepColumns, updated);
    await insertRows(
      this.#tx,
      'switch_journal',
      entryColumns,
      entries.map((entry) => ({ ...entry, facts: JSON.stringify(entry.facts) })),
    );
    await insertRows(
      this.#tx,
      'switch_counters',
      counterColumns,
      counters,
      'ON CONFLICT (initial_key_id) DO UPDATE SET counter = excluded.counter, used_at = excluded.used_at WHERE switch_counters.counter < excluded.counter',
    );
    await writePostings(this.#tx, postings);
  }
}
