import { toHex } from '@tsunagu/protocols/kit';
import type { DukptKsn } from '@tsunagu/protocols/dukpt';
import type { Insertable, Selectable, Transaction } from 'kysely';
import {
  type Columns,
  type Database,
  insertRows,
  lotText,
  selectRows,
  triggeredInsert,
  triggeredUpdate,
  updateRows,
} from '../../store/index.ts';
import { heldEpoch } from './epoch.ts';
import { type NewPosting, postingAgain, postingColumns, writePostings } from './postings.ts';
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
const keyedStepColumns = { ...stepColumns, plain: ['id', ...stepColumns.plain] } as const satisfies Columns<SaleRow>;
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
const counterAgain =
  'ON CONFLICT (initial_key_id) DO UPDATE SET counter = excluded.counter, used_at = excluded.used_at WHERE switch_counters.counter < excluded.counter';

/** A piece of work wants to look at what is on disk, and the commit was to be one statement. */
export class NotAlone extends Error {}

/** Whether two sets of facts can stand in one row: neither says otherwise than the other. */
function isBeside(facts: Facts, others: Facts): boolean {
  for (const name in others) if (facts[name] !== undefined && facts[name] !== others[name]) return false;
  return true;
}

/** What all that is written in one commit is, by table. */
interface Written {
  readonly opened: readonly SaleRow[];
  readonly decided: readonly SaleRow[];
  readonly updated: readonly SaleRow[];
  readonly entries: readonly (Omit<NewEntry, 'facts'> & { readonly facts: string })[];
  readonly counters: readonly Insertable<SwitchTables['switch_counters']>[];
  readonly postings: readonly NewPosting[];
}

/**
 * One commit of the journal. It sees its own writes, and brings them to the store in a few statements, however many sales they are of: before
 * anything else is done in the transaction, and at the end. One without a transaction takes what arrives as new, and is one statement (`aloneSql`)
 * that is refused where that is not so.
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
  readonly #open: ReadonlyMap<string, SaleRow>;
  readonly #written = new Map<string, SaleRow>();
  #entries: NewEntry[] = [];
  /** Places in the entries, by sale. */
  readonly #entryOf = new Map<string, number>();
  #postings: NewPosting[] = [];

  /** @param open sales as they stand on disk that need not be read */
  constructor(tx: Transaction<Database> | undefined, open: ReadonlyMap<string, SaleRow>) {
    this.#tx = tx;
    this.#open = open;
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
      const known = sale === undefined ? undefined : this.#open.get(sale);
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
    const known = this.#sales.get(id) ?? this.#open.get(id);
    if (known) return known;
    const tx = await this.direct();
    return await tx.selectFrom('switch_sales').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  }

  async saleByKey(key: SaleKey): Promise<SaleRow | undefined> {
    const name = textOf(key);
    if (this.#tx && !this.#idByKey.has(name)) await this.#readAnew(key);
    const id = this.#idByKey.get(name);
    return id === undefined ? undefined : this.#sales.get(id);
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
    const tx = this.#transaction;
    const { opened, decided, updated, entries, counters, postings } = this.#take();
    await insertRows(tx, 'switch_sales', openColumns, opened);
    await insertRows(tx, 'switch_sales', decidedColumns, decided);
    await updateRows(tx, 'switch_sales', 'id', stepColumns, updated);
    await insertRows(tx, 'switch_journal', entryColumns, entries);
    await insertRows(tx, 'switch_counters', counterColumns, counters, counterAgain);
    await writePostings(tx, postings);
  }

  /** What was written, as the parameters of `aloneSql` after the epoch. */
  lots(): readonly (string | null)[] {
    const { opened, decided, updated, entries, counters, postings } = this.#take();
    const days = postings.map(({ said_day }) => said_day).sort();
    return [
      days[0] ?? null,
      lotText(openColumns, opened),
      lotText(decidedColumns, decided),
      lotText(keyedStepColumns, updated),
      lotText(entryColumns, entries),
      lotText(counterColumns, counters),
      // The day on which it counts is the one that was said: where that is closed, the statement is refused.
      lotText(
        postingColumns,
        postings.map((posting) => ({ ...posting, day: posting.said_day })),
      ),
    ];
  }

  #take(): Written {
    const [inserted, updated] = [[...this.#inserted.values()], [...this.#updated.values()]];
    const isOpen = ({ answer }: SaleRow): boolean => answer === null;
    const written = {
      opened: inserted.filter(isOpen),
      decided: inserted.filter((row) => !isOpen(row)),
      updated,
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

/** Whether a reversal came before a sale of a lot. The lot goes first: there are few in it, and many reversals. */
const reversedBefore = (lot: string): string => {
  const at = (name: (typeof openColumns.plain)[number]): number => openColumns.plain.indexOf(name);
  return `SELECT RAISE(ABORT, 'a reversal came before')
    FROM jsonb_each(NEW.${lot}) AS lot CROSS JOIN switch_reversals AS earlier
    WHERE earlier.serial = lot.value ->> ${at('serial')} AND earlier.original_stan = lot.value ->> ${at('stan')}
      AND earlier.original_local_time = lot.value ->> ${at('local_time')}`;
};

/**
 * A commit as one statement of SQLite: an insert into a view whose trigger checks what a transaction would have read (the epoch, a reversal that came first,
 * a closed day; the key of a sale is unique), and then writes what it would have written. Both live as long as the connection.
 */
export const aloneSchema: readonly string[] = [
  `CREATE TEMP VIEW IF NOT EXISTS switch_commit AS SELECT ${['epoch', 'from_day', 'opened', 'decided', 'updated', 'entries', 'counters', 'postings'].map((name) => `NULL AS ${name}`).join(', ')}`,
  `CREATE TEMP TRIGGER IF NOT EXISTS switch_commit_alone INSTEAD OF INSERT ON switch_commit BEGIN
    SELECT RAISE(ABORT, 'another epoch') WHERE NEW.epoch IS NOT NULL AND ${heldEpoch} IS NOT NEW.epoch;
    ${reversedBefore('opened')};
    ${reversedBefore('decided')};
    SELECT RAISE(ABORT, 'a closed day') FROM switch_days WHERE state = 'closed' AND day >= NEW.from_day;
    ${triggeredInsert('switch_sales', openColumns, 'NEW.opened')};
    ${triggeredInsert('switch_sales', decidedColumns, 'NEW.decided')};
    ${triggeredUpdate('switch_sales', keyedStepColumns, 'NEW.updated')};
    ${triggeredInsert('switch_journal', entryColumns, 'NEW.entries')};
    ${triggeredInsert('switch_counters', counterColumns, 'NEW.counters', counterAgain)};
    ${triggeredInsert('switch_postings', postingColumns, 'NEW.postings', postingAgain)};
  END`,
];
/** Its parameters: the epoch, or null for none, and `Commit.lots`. */
export const aloneSql = 'INSERT INTO switch_commit VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
