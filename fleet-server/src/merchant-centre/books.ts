import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ReconciliationItem } from '@tsunagu/protocols/acquiring';
import { parseJson } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import { z } from 'zod';

const item = {
  /** YYMMDD: the business day on which it counts. */
  day: z.string(),
  stan: z.string(),
  localTime: z.string(),
  kind: z.enum(['debit', 'credit', 'debit-reversal', 'credit-reversal']),
  amountMinor: z.number().int(),
};
const entry = z.discriminatedUnion('what', [
  z.strictObject({ what: z.literal('counted'), ...item }),
  /** Asked, never answered, and taken back: whether it ever counted at the far side nobody said. */
  z.strictObject({ what: z.literal('untold'), ...item }),
  z.strictObject({ what: z.literal('closed'), day: z.string() }),
]);
type Entry = z.infer<typeof entry>;

/** What counts on a day, and on which. */
export interface CountedItem extends ReconciliationItem {
  /** YYMMDD. */
  readonly day: string;
}

/** What stands in the books of a centre. */
export interface WrittenBooks {
  readonly counted: readonly CountedItem[];
  /** Of what nobody said whether it ever counted. It may have, on its day, and been given back on another. */
  readonly untold: readonly CountedItem[];
  /** Days that are not closed, oldest first. */
  readonly openDays: readonly string[];
}

/** What a centre has of its business days: JSON lines that outlive it, as a day does. No card is in them. */
export class CentreBooks {
  readonly #world: Pick<World, 'log'>;
  readonly #path: string | undefined;
  #waiting: Entry[] = [];
  #written: Promise<void> = Promise.resolve();

  /** @param path undefined: nothing is kept, for loads */
  constructor(world: Pick<World, 'log'>, path: string | undefined) {
    this.#world = world;
    this.#path = path;
  }

  /** Something counts. */
  count(counted: CountedItem): void {
    this.#add({ what: 'counted', ...counted });
  }

  /** Something may have counted, and is taken back. */
  untold(asked: CountedItem): void {
    this.#add({ what: 'untold', ...asked });
  }

  /** A day was compared as over, and agreed. */
  close(day: string): void {
    this.#add({ what: 'closed', day });
  }

  /** What is in them. */
  async read(): Promise<WrittenBooks> {
    await this.#written;
    const text = this.#path === undefined ? '' : await readFile(this.#path, 'utf8').catch(() => '');
    const counted: CountedItem[] = [];
    const untold: CountedItem[] = [];
    const closed = new Set<string>();
    for (const line of text.split('\n')) {
      // A last line that was torn is none.
      const read = parseJson(entry, line);
      if (!read.ok) continue;
      if (read.value.what === 'closed') {
        closed.add(read.value.day);
        continue;
      }
      const { what, ...item } = read.value;
      (what === 'counted' ? counted : untold).push(item);
    }
    const days = new Set([...counted, ...untold].map(({ day }) => day));
    return { counted, untold, openDays: [...days].filter((day) => !closed.has(day)).sort() };
  }

  /** Resolves when all is in the file. */
  flushed(): Promise<void> {
    return this.#written;
  }

  #add(more: Entry): void {
    const path = this.#path;
    if (path === undefined) return;
    this.#waiting.push(more);
    if (this.#waiting.length > 1) return;
    this.#written = this.#written
      .then(() => this.#write(path))
      // What is missing then shows as a difference.
      .catch((cause: unknown) => this.#world.log('error', 'booksNotWritten', { fault: { code: 'INTERNAL', cause } }));
  }

  async #write(path: string): Promise<void> {
    const text = this.#waiting.map((each) => `${JSON.stringify(each)}\n`).join('');
    this.#waiting = [];
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await appendFile(path, text, { mode: 0o600 });
  }
}
