import { type FileHandle, open } from 'node:fs/promises';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { z } from 'zod';

/** What the card company wrote down about a sale. The account is a test card's name: no number is ever in the file. */
const saleRecord = z.object({
  kind: z.literal('sale'),
  /** Trace number, local time and acquirer. */
  key: z.string(),
  account: z.string(),
  /** YYMMDD of the sale. */
  day: z.string(),
  amountMinor: z.number().int(),
  actionCode: z.string(),
  approvalCode: z.string(),
  /** DE55 of the answer, hex. */
  emv: z.string(),
});
/** A reversal that was taken; `key` is that of its sale, known or not. */
const reversalRecord = z.object({ kind: z.literal('reversal'), key: z.string() });
const record = z.discriminatedUnion('kind', [saleRecord, reversalRecord]);
export type SaleRecord = z.infer<typeof saleRecord>;
export type LedgerRecord = z.infer<typeof record>;

/** The card company's books: every decision is on disk before it is told. */
export class Ledger {
  readonly #file: FileHandle;
  readonly #sales = new Map<string, SaleRecord>();
  readonly #reversed = new Set<string>();
  #turn: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
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

  /** What an account spent on a day: approved and not reversed. */
  spent(account: string, day: string): number {
    let sum = 0;
    for (const sale of this.#sales.values())
      if (sale.account === account && sale.day === day && isTaken(sale) && !this.#reversed.has(sale.key))
        sum += sale.amountMinor;
    return sum;
  }

  /** What was taken from all accounts and not given back. */
  get takenMinor(): number {
    return [...this.#sales.values()].reduce(
      (sum, sale) => (isTaken(sale) && !this.#reversed.has(sale.key) ? sum + sale.amountMinor : sum),
      0,
    );
  }

  /** Writes a record, in the order of the calls. It counts at once, and is on disk when this resolves. */
  append(entry: LedgerRecord): Promise<void> {
    this.#apply(entry);
    const written = this.#turn.then(async () => {
      await this.#file.appendFile(`${JSON.stringify(entry)}\n`);
      await this.#file.datasync();
    });
    this.#turn = written.catch(() => undefined);
    return written;
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#file.close();
  }

  #apply(entry: LedgerRecord): void {
    if (entry.kind === 'sale') this.#sales.set(entry.key, entry);
    else this.#reversed.add(entry.key);
  }
}

const isTaken = (sale: SaleRecord): boolean => sale.actionCode.startsWith('0');

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
