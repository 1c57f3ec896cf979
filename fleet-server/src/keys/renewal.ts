import type { Job, JobBody, Serial } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Transaction } from 'kysely';
import { mayNow } from '../estate/index.ts';
import type { Database, Queryable, Store } from '../store/index.ts';
import { mayBeKeyedNow } from './in-runs.ts';
import { type Keys, wasUnbound } from './keys.ts';
import { bindSubject, receiveSubject, releaseSubject } from './rules.ts';

export interface RenewalRooms {
  readonly store: Store;
  /** Whether terminals get their first keys in injection runs only. */
  readonly keyInRuns: boolean;
  readonly keys: Pick<Keys, 'prepare' | 'renewProtection'>;
  readonly jobs: {
    openSubjects(on: Queryable, serial: Serial): Promise<ReadonlySet<string>>;
    queueIn(tx: Transaction<Database>, serial: Serial, body: JobBody, subject: string): Promise<string | undefined>;
    wake(serial: Serial): Promise<void>;
    job(id: string): Promise<Result<Job>>;
  };
}

/**
 * Rotates the key-block protection key of a terminal, by a job: every key below it is made anew when the terminal has proved the new one, and counts
 * until then. A terminal that was unbound is bound again. KEY_PROTECTION_AGREED: it agreed on its key at enrolment, and there is no TR-34 to renew it by. KEY_PROTECTION_MISSING: it has none.
 * KEY_PROTECTION_UNDER_WAY: a binding, a release or a key is on its way already. KEY_RUN_NOT_LISTED: it was unbound, and its next keys are first keys. LIFECYCLE_FORBIDS, TERMINAL_UNKNOWN: as everywhere.
 */
export const openRenewal =
  ({ store, keyInRuns, keys, jobs }: RenewalRooms) =>
  async (serial: Serial): Promise<Result<Job>> => {
    await keys.prepare(serial);
    const queued = await store.write(async (tx): Promise<Result<string>> => {
      const may = await mayNow(tx, serial, 'beKeyed');
      if (!may.ok) return may;
      const open = await jobs.openSubjects(tx, serial);
      if ([bindSubject, receiveSubject, releaseSubject].some((subject) => open.has(subject)))
        return fail('KEY_PROTECTION_UNDER_WAY');
      if (keyInRuns && (await wasUnbound(tx, serial)) && !(await mayBeKeyedNow(tx, serial)))
        return fail('KEY_RUN_NOT_LISTED');
      const order = await keys.renewProtection(tx, serial);
      if (!order.ok) return order;
      const subject = order.value.type === 'key.bind' ? bindSubject : receiveSubject;
      const id = await jobs.queueIn(tx, serial, order.value, subject);
      return id === undefined ? fail('KEY_PROTECTION_UNDER_WAY') : ok(id);
    });
    if (!queued.ok) return queued;
    await jobs.wake(serial);
    return await jobs.job(queued.value);
  };
