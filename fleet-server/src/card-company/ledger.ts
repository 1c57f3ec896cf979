import { type FileHandle, open } from 'node:fs/promises';
import { directionOf, operationNames } from '@tsunagu/protocols/acquiring';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { DayBooks } from './day-books.ts';

/** What the card company wrote down about a sale. The account is a test card's name: no number is ever in the file. */
const saleRecord = z.object({
  kind: z.literal('sale'),
  /** What was asked: only what moves money counts as taken. */
  what: z.enum(operationNames).default('sale'),
  /** Key of what it follows: a refund's sale, a completion's authorisation. */
  original: z.string().optional(),
  /** Trace number, local time and acquirer. */
  key: z.string(),
  account: z.string(),
  /** YYMMDD of the sale: its business day (DE28), or its local date. */
  day: z.string(),
  amountMinor: z.number().int(),
  actionCode: z.string(),
  approvalCode: z.string(),
  /** DE55 of the answer, hex. */
  emv: z.string(),
  /** What it is in the account's own currency, where it was converted before: ISO 4217 number and minor units. */
  own: z.object({ currency: z.string(), amountMinor: z.number().int() }).optional(),
  /** What became of its PIN; never the PIN. */
  pin: z.enum(['right', 'wrong']).optional(),
});
/** A reversal that was taken; `key` is that of its sale, known or not. */
const reversalRecord = z.object({
  kind: z.literal('reversal'),
  key: z.string(),
  /** YYMMDD: the business day on which it counts; that of its sale where it was not said. */
  day: z.string().optional(),
});
/** A void that was refused, by its own key: it is refused however often it is asked for. */
const voidRecord = z.object({ kind: z.literal('void-refused'), key: z.string(), actionCode: z.string() });
/** A business day that was compared and takes nothing more. */
const closedRecord = z.object({ kind: z.literal('closed'), day: z.string() });
const record = z.discriminatedUnion('kind', [saleRecord, reversalRecord, voidRecord, closedRecord]);
export type SaleRecord = z.infer<typeof saleRecord>;
export type LedgerRecord = z.infer<typeof record>;

/** The card company's books: every decision is on disk before it is told. */
export class Ledger {
  readonly #file: FileHandle | undefined;
  readonly #sales = new Map<string, SaleRecord>();
  /** The same by account, in the order of their writing, and what follows what. */
  readonly #byAccount = new Map<string, SaleRecord[]>();
  readonly #byOriginal = new Map<string, SaleRecord[]>();
  readonly #reversed = new Set<string>();
  readonly #voidsRefused = new Map<string, string>();
  readonly #days = new DayBooks();
  #lines: string[] = [];
  #turn: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  private constructor(file: FileHandle | undefined) {
    this.#file = file;
  }

  /** Books without a file: what is written is forgotten with them. */
  static inMemory(): Ledger {
    return new Ledger(undefined);
  }

  /** Opens the books (JSON lines). A torn last line is cut off; one in the middle is ISSUER_LEDGER_INVALID. */
  static async open(path: string): Promise<Result<Ledger, 'ISSUER_LEDGER_INVALID'>> {
    const file = await open(path, 'a+', 0o600);
    const text = await file.readFile('utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) await file.truncate(Buffer.byteLength(whole));
    const ledger = new Ledger(file);
    for (const [index, line] of whole.split('\n').slice(0, -1).entries()) {
      const read = record.safeParse(parsed(line));
      if (!read.success) {
        await file.close();
        return fail('ISSUER_LEDGER_INVALID', { facts: { line: index + 1 } });
      }
      ledger.#apply(read.data);
    }
    return ok(ledger);
  }

  sale(key: string): SaleRecord | undefined {
    return this.#sales.get(key);
  }

  isReversed(key: string): boolean {
    return this.#reversed.has(key);
  }

  /** What a void was refused with, by its own key. */
  voidRefused(key: string): string | undefined {
    return this.#voidsRefused.get(key);
  }

  /** What stands of an account on a day: what was taken, and what is held by an authorisation that nobody completed. */
  spent(account: string, day: string): number {
    let sum = 0;
    for (const sale of this.#standing(this.#byAccount.get(account)))
      if (sale.day === day) sum += takes(sale) + (this.#isHeld(sale) ? sale.amountMinor : 0);
    return Math.max(0, sum);
  }

  /** What was taken from an account ever, and not given back; below zero when more was put in. */
  taken(account: string): number {
    let sum = 0;
    for (const sale of this.#standing(this.#byAccount.get(account))) sum += takes(sale);
    return sum;
  }

  /** Whether something of this kind stands for an account. */
  has(account: string, what: SaleRecord['what']): boolean {
    return this.#standing(this.#byAccount.get(account)).some((sale) => sale.what === what);
  }

  /** What counts on business days. */
  get days(): DayBooks {
    return this.#days;
  }

  /** Wrong PINs of an account since its last right one. */
  pinTriesUsed(account: string): number {
    let used = 0;
    for (const { pin } of this.#byAccount.get(account) ?? [])
      if (pin !== undefined) used = pin === 'wrong' ? used + 1 : 0;
    return used;
  }

  /** What was taken from all accounts and not given back. */
  get takenMinor(): number {
    return this.#standing([...this.#sales.values()]).reduce((sum, sale) => sum + takes(sale), 0);
  }

  /** What stands and follows a transaction: its refunds, its completion. */
  followers(key: string): readonly SaleRecord[] {
    return this.#standing(this.#byOriginal.get(key));
  }

  #standing(sales: readonly SaleRecord[] = []): readonly SaleRecord[] {
    return sales.filter((sale) => isTaken(sale) && !this.#reversed.has(sale.key));
  }

  #isHeld({ what, key }: SaleRecord): boolean {
    return what === 'authorisation' && this.followers(key).length === 0;
  }

  /** Writes a record, in the order of the calls. It counts at once, and is on disk when this resolves; one flush serves all that wait for it. */
  append(entry: LedgerRecord): Promise<void> {
    this.#apply(entry);
    if (this.#file === undefined) return Promise.resolve();
    this.#lines.push(`${JSON.stringify(entry)}\n`);
    this.#next ??= (this.#turn ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => {
        this.#turn = this.#next;
        this.#next = undefined;
        return this.#flush();
      });
    return this.#next;
  }

  async #flush(): Promise<void> {
    const text = this.#lines.join('');
    this.#lines = [];
    await this.#file?.appendFile(text);
    await this.#file?.datasync();
  }

  async close(): Promise<void> {
    await (this.#next ?? this.#turn);
    await this.#file?.close();
  }

  #apply(entry: LedgerRecord): void {
    if (entry.kind === 'reversal') {
      this.#reversed.add(entry.key);
      this.#days.giveBack(entry.key, entry.day);
    } else if (entry.kind === 'void-refused') this.#voidsRefused.set(entry.key, entry.actionCode);
    else if (entry.kind === 'sale') {
      this.#sales.set(entry.key, entry);
      push(this.#byAccount, entry.account, entry);
      if (entry.original !== undefined) push(this.#byOriginal, entry.original, entry);
      if (isTaken(entry)) this.#days.take(entry);
    } else this.#days.close(entry.day);
  }
}

function push(map: Map<string, SaleRecord[]>, key: string, sale: SaleRecord): void {
  const known = map.get(key);
  if (known) known.push(sale);
  else map.set(key, [sale]);
}

/** Approved, or an advice that was taken. */
const isTaken = ({ actionCode }: SaleRecord): boolean => actionCode.startsWith('0') || actionCode === '900';

/** What a record takes from its account; a credit gives. */
const takes = ({ what, amountMinor }: SaleRecord): number => {
  const direction = directionOf(what);
  return direction === undefined ? 0 : direction === 'credit' ? -amountMinor : amountMinor;
};

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
