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

/**
 * What a person wrote, such as a reason: whatever looks like a card number is left out (ISO/IEC 7812-1). Our own ids stay: some have
 * digits in a row, one of ten of which would pass for a number.
 */
export const withoutCardNumbers = (text: string): string =>
  text.replace(idOrDigits, (found, id) => (id === undefined && isCardNumber(found) ? '[pan]' : found));

/** A UUID (RFC 9562, 4), or what may be a card number. */
const idOrDigits = /\b([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})\b|\d(?:[ -]?\d){12,18}/g;

function isCardNumber(text: string): boolean {
  const digits = [...text.replace(/\D/g, '')].map(Number).toReversed();
  const sum = digits.reduce((total, digit, index) => {
    const weighed = index % 2 === 1 ? digit * 2 : digit;
    return total + (weighed > 9 ? weighed - 9 : weighed);
  }, 0);
  return sum % 10 === 0;
}
