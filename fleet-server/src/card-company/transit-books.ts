import { type FileHandle, open } from 'node:fs/promises';
import {
  issuedAccount,
  type PendingTransfer,
  settle,
  signedAmount,
  takeBack,
  type TransitAccount,
} from '@tsunagu/protocols/felica';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import { transitCardData } from '@tsunagu/protocols/test-cards';
import { z } from 'zod';

/** A transfer was ordered; its frame leaves after this is on disk. */
const ordered = z.object({
  kind: z.literal('ordered'),
  /** Trace number, local time and acquirer of the request that asked for it. */
  key: z.string(),
  /** A card's name: no number is ever in the file. */
  account: z.string(),
  /** The centre's number of it, hexadecimal. */
  number: z.string().regex(/^[0-9A-F]{16}$/),
  what: z.enum(['charge', 'debit']),
  amount: z.number().int().positive(),
  isCorrection: z.boolean().default(false),
});
/** What became of the transfer that was pending on a card. */
const booked = z.object({
  kind: z.literal('booked'),
  account: z.string(),
  number: z.string(),
  outcome: z.enum(['done', 'notDone']),
});
/** A request was taken back, be it known or not. */
const takenBack = z.object({ kind: z.literal('takenBack'), key: z.string() });
const record = z.discriminatedUnion('kind', [ordered, booked, takenBack]);

/** A line of the books. */
export type TransitRecord = z.infer<typeof record>;

/** A transfer as the books have it. */
export interface BookedTransfer extends PendingTransfer {
  readonly account: string;
  readonly state: 'pending' | 'done' | 'notDone';
  readonly isTakenBack: boolean;
}

/** The books of the transit centre: JSON lines, each on disk before anybody hears of it. All else follows from them. */
export class TransitBooks {
  readonly #file: FileHandle;
  readonly #accounts = new Map<string, TransitAccount>(
    transitCardData.map(({ name, balance }) => [name, issuedAccount(balance)]),
  );
  readonly #transfers = new Map<string, BookedTransfer>();
  readonly #takenBack = new Set<string>();
  #turn: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Opens the books. A torn last line is cut off; one in the middle is ISSUER_LEDGER_INVALID. */
  static async open(path: string): Promise<Result<TransitBooks, 'ISSUER_LEDGER_INVALID'>> {
    const file = await open(path, 'a+', 0o600);
    const text = await file.readFile('utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) await file.truncate(Buffer.byteLength(whole));
    const books = new TransitBooks(file);
    for (const [index, line] of whole.split('\n').slice(0, -1).entries()) {
      const read = record.safeParse(parsed(line));
      if (!read.success) {
        await file.close();
        return fail('ISSUER_LEDGER_INVALID', { facts: { line: index + 1 } });
      }
      books.#apply(read.data);
    }
    return ok(books);
  }

  /** What the books hold of a card; undefined for one that was never issued. */
  account(name: string): TransitAccount | undefined {
    return this.#accounts.get(name);
  }

  /** The transfer that a request led to. */
  transfer(key: string): BookedTransfer | undefined {
    return this.#transfers.get(key);
  }

  isTakenBack(key: string): boolean {
    return this.#takenBack.has(key);
  }

  /** How many transfers were ever ordered: the next one's number. */
  get ordered(): number {
    return this.#transfers.size;
  }

  /**
   * What stands, yen: what merchants took from a card, below zero, and what they put onto it. With what a card is still due it is the
   * change of its balance since it was issued.
   */
  standing(account: string): number {
    let sum = 0;
    for (const transfer of this.#transfers.values())
      if (transfer.account === account && transfer.state === 'done' && !transfer.isTakenBack && !transfer.isCorrection)
        sum += signedAmount(transfer);
    return sum;
  }

  /** Writes a record, in the order of the calls. It counts at once, and is on disk when this resolves. */
  append(entry: TransitRecord): Promise<void> {
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

  #apply(entry: TransitRecord): void {
    switch (entry.kind) {
      case 'ordered': {
        const { key, account, number, what, amount, isCorrection } = entry;
        const pending = { number, kind: what, amount, ...(isCorrection && { isCorrection }) };
        this.#transfers.set(key, { ...pending, account, state: 'pending', isTakenBack: false });
        this.#change(account, (known) => ({ ...known, pending }));
        return;
      }
      case 'booked': {
        for (const [key, transfer] of this.#transfers)
          if (transfer.number === entry.number) this.#transfers.set(key, { ...transfer, state: entry.outcome });
        this.#change(entry.account, (known) => settle(known, entry.outcome).account);
        return;
      }
      case 'takenBack': {
        if (this.#takenBack.has(entry.key)) return;
        this.#takenBack.add(entry.key);
        const transfer = this.#transfers.get(entry.key);
        if (transfer === undefined || transfer.isCorrection) return;
        this.#transfers.set(entry.key, { ...transfer, isTakenBack: true });
        if (transfer.state !== 'notDone') this.#change(transfer.account, (known) => takeBack(known, transfer));
      }
    }
  }

  #change(name: string, to: (account: TransitAccount) => TransitAccount): void {
    const account = this.#accounts.get(name);
    if (account !== undefined) this.#accounts.set(name, to(account));
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
