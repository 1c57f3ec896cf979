import { canonicalJson, sha256 } from '@tsunagu/protocols/audit';
import type { Transaction } from 'kysely';
import type { Database } from '../store/index.ts';
import type { InEveryCommit } from './changes.ts';
import type { WriteNote } from './note.ts';

/** The newest jobs of a terminal: what a change adds is among them. */
const jobsMax = 50;

/** What stands in the store about a subject, for the hashes before and after; the subjects that have nothing here have no hashes. */
const states: Readonly<Record<string, (tx: Transaction<Database>, id: string) => Promise<unknown>>> = {
  async terminal(tx, serial) {
    const terminal = await tx.selectFrom('terminals').selectAll().where('serial', '=', serial).executeTakeFirst();
    const certificates = await tx
      .selectFrom('certificates')
      .select(['fingerprint', 'ended_at'])
      .where('subject', '=', serial)
      .where('kind', '=', 'terminal')
      .orderBy('fingerprint')
      .execute();
    const jobs = await tx
      .selectFrom('jobs')
      .select(['id', 'state'])
      .where('serial', '=', serial)
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .limit(jobsMax)
      .execute();
    return terminal ? { terminal, certificates, jobs } : undefined;
  },
};

async function stateHash(tx: Transaction<Database>, subject: string): Promise<string | null> {
  const [kind = '', id = ''] = subject.split('/', 2);
  const state = await states[kind]?.(tx, id);
  // Rows are texts, whole numbers and nulls: through JSON they are what can be put into one form.
  return state === undefined ? null : sha256(canonicalJson(JSON.parse(JSON.stringify(state))));
}

/** The entry that every altering transaction of a request gets, where its room does not write one. */
export const commitParts = ({ note }: { readonly note: WriteNote }): InEveryCommit => ({
  begin: (tx, change) => stateHash(tx, change.subject),
  async end(tx, change, before, isNoted) {
    if (!isNoted)
      await note(tx, {
        actor: change.actor,
        action: change.action,
        subject: change.subject,
        request: change.request,
        beforeHash: before,
        afterHash: await stateHash(tx, change.subject),
        facts: { ...change.facts, ...(change.commits > 0 && { part: change.commits + 1 }) },
      });
    if (change.commits === 0) await change.inFirstCommit?.(tx);
  },
});
