import { withoutCardNumbers } from '@tsunagu/protocols/kit';
import { type AuditEntry, type Canonical, canonicalJson, genesis, sealEntry, sha256 } from '@tsunagu/protocols/audit';
import type { World } from '@tsunagu/protocols/world';
import type { Transaction } from 'kysely';
import { type Database, isoTime } from '../store/index.ts';
import { type Actor, auditActorOf } from './actor.ts';
import type { Changes } from './changes.ts';

/** Something for the audit log. Names and ids only: never a secret, never a PAN. */
export interface AuditNote {
  readonly actor: Actor;
  /** What was done: `people.create`, `campaign.approve`. */
  readonly action: string;
  /** On what: `person/…`, `campaign/…`, `terminal/…`. */
  readonly subject: string;
  readonly outcome?: AuditEntry['outcome'];
  readonly code?: string;
  /** What stood there before and stands there now; the log keeps their hashes. */
  readonly before?: Canonical;
  readonly after?: Canonical;
  /** The same where only a hash is at hand. */
  readonly beforeHash?: string | null;
  readonly afterHash?: string | null;
  readonly facts?: AuditEntry['facts'];
  /** Taken from the change that is being worked on, unless told. */
  readonly request?: string;
}

/** Writes an entry in the transaction that makes it true. */
export type WriteNote = (tx: Transaction<Database>, note: AuditNote) => Promise<void>;

export const hashOf = (value: Canonical | undefined): string | null =>
  value === undefined ? null : sha256(canonicalJson(value));

export const noteOn =
  (world: Pick<World, 'clock'>, changes: Changes): WriteNote =>
  async (tx, note) => {
    const tail = await tx
      .selectFrom('audit_entries')
      .select(['seq', 'hash'])
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst();
    const at = world.clock.now();
    const seq = (tail?.seq ?? 0) + 1;
    const entry: AuditEntry = {
      v: 1,
      seq,
      at: isoTime(at),
      prev: tail?.hash ?? genesis,
      actor: auditActorOf(note.actor),
      action: cut(note.action, 80),
      subject: cut(note.subject, 200),
      request: note.request ?? changes.current()?.request ?? null,
      outcome: note.outcome ?? 'done',
      code: note.code ?? null,
      before: note.beforeHash ?? hashOf(note.before),
      after: note.afterHash ?? hashOf(note.after),
      facts: Object.fromEntries(
        Object.entries(note.facts ?? {}).map(([name, fact]) => [
          cut(name, 40),
          typeof fact === 'string' ? cut(fact, 500) : fact,
        ]),
      ),
    };
    const { text, hash } = sealEntry(entry);
    await tx
      .insertInto('audit_entries')
      .values({
        seq,
        at,
        subject: entry.subject,
        action: entry.action,
        actor: entry.actor.person ?? entry.actor.subject,
        outcome: entry.outcome,
        entry: text,
        hash,
      })
      .execute();
    changes.noted(tx);
  };

/** A text within its length, without card numbers. */
const cut = (text: string, lengthMax: number): string => withoutCardNumbers(text).slice(0, lengthMax);
