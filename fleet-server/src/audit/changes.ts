import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditEntry } from '@tsunagu/protocols/audit';
import type { Transaction } from 'kysely';
import { countChanges, type Database, type Store } from '../store/index.ts';
import type { Actor } from './actor.ts';

/** A change that somebody asked for, while it is worked on. */
export interface Change {
  readonly actor: Actor;
  readonly action: string;
  /** On what; a route that makes something new says so once it knows: `changes.about`. */
  subject: string;
  readonly request: string;
  /** What the entries of the audit log say of it beside that. */
  facts?: AuditEntry['facts'];
  /** Transactions that this change has committed. */
  commits: number;
  /** Takes part in the first transaction that alters something. */
  readonly inFirstCommit?: (tx: Transaction<Database>) => Promise<void>;
  /** The request was answered: what runs on in its wake is the house's own doing. */
  isOver: boolean;
}

/** What takes part in each transaction that a change alters something in. */
export interface InEveryCommit {
  /** Before `work`: whatever is to be compared. */
  begin(tx: Transaction<Database>, change: Change): Promise<string | null>;
  /** After `work`, in the same transaction. */
  end(tx: Transaction<Database>, change: Change, before: string | null, isNoted: boolean): Promise<void>;
}

/**
 * Which change the code that runs now belongs to. A room need not know: the store that it is handed writes the entry of the
 * audit log, and the mark of the idempotency key, into the very transaction that alters something for a change.
 */
export interface Changes {
  run<T>(change: Change, work: () => T): T;
  /** The request of this change was answered. */
  over(change: Change): void;
  /** Runs what the house does of itself, although a change set it off: what it writes is not that change's. */
  outside<T>(work: () => T): T;
  current(): Change | undefined;
  /** Says what the change is about, once that is known, and what else its entries are to tell. */
  about(subject: string, facts?: Readonly<Record<string, string | undefined>>): void;
  /** The room wrote its own entry into this transaction: none is added. */
  noted(tx: Transaction<Database>): void;
  /** A store whose transactions carry these changes. */
  watch(store: Store, parts: InEveryCommit): Store;
}

export function openChanges(): Changes {
  const running = new AsyncLocalStorage<Change | undefined>();
  const noted = new WeakSet<Transaction<Database>>();
  const current = (): Change | undefined => {
    const change = running.getStore();
    return change?.isOver ? undefined : change;
  };
  let underWay = 0;
  return {
    run(change, work) {
      underWay += 1;
      return running.run(change, work);
    },
    over(change) {
      if (change.isOver) return;
      change.isOver = true;
      underWay -= 1;
      // While it is on, Node 20 follows every promise of the process, those of all terminals.
      if (underWay === 0) running.disable();
    },
    outside: (work) => (current() ? running.run(undefined, work) : work()),
    current,
    about(subject, facts) {
      const change = current();
      if (!change) return;
      change.subject = subject;
      if (facts)
        change.facts = Object.fromEntries(
          Object.entries(facts).flatMap(([name, fact]) => (fact === undefined ? [] : [[name, fact]])),
        );
    },
    noted: (tx) => void noted.add(tx),
    watch: (store, parts) => ({
      ...store,
      async write(work) {
        const change = current();
        if (!change) return await store.write(work);
        const done = await store.write(async (tx) => {
          const counted = await countChanges(tx);
          // Works that share a commit share its transaction, one after the other: what the last one noted is not this one's.
          noted.delete(tx);
          const before = await parts.begin(tx, change);
          const result = await work(tx);
          const isAltered = (await countChanges(tx)) !== counted;
          if (isAltered) await parts.end(tx, change, before, noted.has(tx));
          return { result, isAltered };
        });
        if (done.isAltered) change.commits += 1;
        return done.result;
      },
    }),
  };
}
