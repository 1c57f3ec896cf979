import type { ErrorCode } from '@tsunagu/protocols/errors';
import type { JobBody, JobReport, JobType, KeyErase, Serial } from '@tsunagu/protocols/fleet';
import type { Transaction } from 'kysely';
import type { Database } from '../store/index.ts';
import type { Keys } from './keys.ts';
import { bindSubject, loadSubject, receiveSubject, releaseSubject } from './rules.ts';
import type { KeyRuns } from './runs.ts';

/** What follows from jobs about keys, and into which rooms. */
interface KeyJobRooms {
  readonly keys: Pick<Keys, 'proven' | 'erased' | 'bound' | 'received' | 'release' | 'released'>;
  readonly runs: Pick<KeyRuns, 'proven'>;
  readonly keyLoaded: (
    tx: Transaction<Database>,
    serial: Serial,
    evidence: NonNullable<JobReport['evidence']>,
  ) => Promise<void>;
  /** What was ended is told on the terminal's timeline. */
  readonly unbound: (tx: Transaction<Database>, serial: Serial, job: string) => Promise<void>;
  readonly keyErased: (tx: Transaction<Database>, serial: Serial, erased: KeyErase) => Promise<void>;
  readonly alarm: (tx: Transaction<Database>, serial: Serial, code: ErrorCode) => Promise<void>;
  readonly queueIn: (
    tx: Transaction<Database>,
    serial: Serial,
    body: JobBody,
    subject: string,
    reference?: string,
  ) => Promise<string | undefined>;
}

/**
 * What the success of a job about keys brings, in the transaction that ends it: a key that is loaded is marked so, a binding is answered
 * with the protection key, and after that come the keys under it; a random number drawn for a release is answered with the host's word, and what is
 * sworn to of that ends the keys. Other jobs bring nothing.
 *
 * @returns the code by which the job has failed after all
 */
export const keyJobEffects =
  ({ keys, runs, keyLoaded, keyErased, unbound, alarm, queueIn }: KeyJobRooms) =>
  async (
    tx: Transaction<Database>,
    serial: Serial,
    { id, type }: { readonly id: string; readonly type: JobType },
    { evidence, erased, binding, protection, release }: JobReport,
  ): Promise<ErrorCode | undefined> => {
    if (type === 'key.load' && evidence && (await keys.proven(tx, serial, evidence))) {
      await keyLoaded(tx, serial, evidence);
      await runs.proven(tx, serial);
    }
    if (type === 'key.erase' && erased) {
      await keys.erased(tx, serial, erased);
      await keyErased(tx, serial, erased);
    }
    if (type === 'key.bind' && binding) {
      const next = await keys.bound(tx, serial, id, binding);
      if (!next.ok) {
        await alarm(tx, serial, next.fault.code);
        return next.fault.code;
      }
      await queueIn(tx, serial, { type: 'key.receive', params: next.value }, receiveSubject, id);
    }
    if ((type === 'key.unbind' || type === 'key.rebind') && binding) {
      const word = await keys.release(tx, serial, id, binding, type === 'key.unbind' ? 'nobody' : 'host');
      if (!word.ok) return word.fault.code;
      await queueIn(tx, serial, { type: 'key.release', params: word.value }, releaseSubject, id);
    }
    if (type === 'key.release') {
      const ended = release && (await keys.released(tx, serial, id, release));
      if (!ended) {
        await alarm(tx, serial, 'KEY_RELEASE_NOT_PROVEN');
        return 'KEY_RELEASE_NOT_PROVEN';
      }
      await unbound(tx, serial, id);
      if (ended.bind) await queueIn(tx, serial, { type: 'key.bind', params: ended.bind }, bindSubject, id);
    }
    if (type === 'key.receive' && protection) {
      const loads = await keys.received(tx, serial, protection);
      if (!loads) {
        await alarm(tx, serial, 'KCV_MISMATCH');
        return 'KCV_MISMATCH';
      }
      for (const load of loads) await queueIn(tx, serial, { type: 'key.load', params: load }, loadSubject(load.slot));
    }
    return undefined;
  };
