import { directionOf, type Operation, type ReconciliationItem } from '@tsunagu/protocols/acquiring';

/** What a record of the ledger counts for. */
interface Counted {
  readonly what: Operation;
  /** Trace number, local time and acquirer. */
  readonly key: string;
  readonly day: string;
  readonly amountMinor: number;
}

/** What the card company counts on each business day: what it took, and what it gave back. A closed day takes nothing more; what comes later counts on the next. */
export class DayBooks {
  readonly #items = new Map<string, ReconciliationItem[]>();
  readonly #taken = new Map<string, ReconciliationItem & { readonly day: string }>();
  readonly #givenBack = new Set<string>();
  readonly #closed = new Set<string>();

  items(day: string): readonly ReconciliationItem[] {
    return this.#items.get(day) ?? [];
  }

  isClosed(day: string): boolean {
    return this.#closed.has(day);
  }

  take({ what, key, day, amountMinor }: Counted): void {
    const kind = directionOf(what);
    if (kind === undefined || this.#taken.has(key)) return;
    const [stan = '', localTime = ''] = key.split('/');
    const item = { stan, localTime, kind, amountMinor, day: this.#openDay(day) } as const;
    this.#taken.set(key, item);
    this.#put(item.day, item);
  }

  giveBack(key: string, day: string | undefined): void {
    const item = this.#taken.get(key);
    if (!item || this.#givenBack.has(key)) return;
    this.#givenBack.add(key);
    const kind = item.kind === 'credit' ? 'credit-reversal' : 'debit-reversal';
    this.#put(this.#openDay(day ?? item.day), { ...item, kind });
  }

  close(day: string): void {
    this.#closed.add(day);
  }

  #put(day: string, { stan, localTime, kind, amountMinor }: ReconciliationItem): void {
    const item = { stan, localTime, kind, amountMinor };
    const items = this.#items.get(day);
    if (items) items.push(item);
    else this.#items.set(day, [item]);
  }

  #openDay(day: string): string {
    let open = day;
    while (this.#closed.has(open)) open = dayAfter(open);
    return open;
  }
}

/** The day after a YYMMDD. */
function dayAfter(day: string): string {
  const [year = 0, month = 1, date = 1] = [0, 2, 4].map((at) => Number(day.slice(at, at + 2)));
  return new Date(Date.UTC(2000 + year, month - 1, date + 1)).toISOString().slice(2, 10).replaceAll('-', '');
}
