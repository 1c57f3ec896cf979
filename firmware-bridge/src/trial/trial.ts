import type { ErrorCode } from '@tsunagu/protocols/errors';
import { fail, type Result } from '@tsunagu/protocols/kit';

/**
 * How a terminal changes what it stands on without ever standing on nothing: stage → verify → switch when idle → prove by an echo →
 * commit, else revert. Payments are taken throughout, by what was before or by what is on trial.
 *
 * | step | on the medium | power loss |
 * |---|---|---|
 * | stage, verify | nothing, or something beside what is in force | what is in force goes on |
 * | switch | the new one in force, and what was `before` | the next boot reverts: it did not prove itself |
 * | commit | the new one in force | it goes on |
 * | revert | what was before | it goes on |
 *
 * The configuration takes these steps within one run (`changeOver`); software takes them over two boots, with its slots as the place
 * of what was before (`software/slots`).
 */
export interface Trial<T> {
  readonly inForce: T;
  /** What to go back to while `inForce` is on trial; null when it has proven itself. */
  readonly before: T | null;
}

/** The new one is in force, on trial. */
export const switchTo = <T>({ inForce, before }: Trial<T>, next: T): Trial<T> => ({
  inForce: next,
  // What never proved itself is nothing to go back to.
  before: before ?? inForce,
});

/** It has proven itself. */
export const commit = <T>({ inForce }: Trial<T>): Trial<T> => ({ inForce, before: null });

/** It has not: what was before is in force again. A boot does the same with a trial that it finds. */
export const revert = <T>({ inForce, before }: Trial<T>): Trial<T> => ({ inForce: before ?? inForce, before: null });

/** What a change-over is made of. */
export interface ChangeOver<T, Code extends ErrorCode> {
  /** Whether the new one may be tried at all. */
  readonly verify: (next: T) => Result<void, Code>;
  /** Runs the switch while no payment is in hand. */
  readonly whenIdle: <R>(work: () => Promise<R>) => Promise<R>;
  /** Puts a state on the medium, and in force when that succeeded. */
  readonly keep: (state: Trial<T>) => Promise<Result<void, 'STORE_WRITE_FAILED'>>;
  /** Whether the server answers under the new one. */
  readonly prove: () => Promise<boolean>;
  /** What it is called when it does not. */
  readonly notProven: Code;
}

/** Takes all steps. A fault: what was in force before is in force, unless not even that could be stored: the next boot reverts then. */
export async function changeOver<T, Code extends ErrorCode>(
  { verify, whenIdle, keep, prove, notProven }: ChangeOver<T, Code>,
  state: Trial<T>,
  next: T,
): Promise<Result<void, Code | 'STORE_WRITE_FAILED'>> {
  const verified = verify(next);
  if (!verified.ok) return verified;
  const onTrial = switchTo(state, next);
  const switched = await whenIdle(() => keep(onTrial));
  if (!switched.ok) return switched;
  if (await prove()) return keep(commit(onTrial));
  const reverted = await whenIdle(() => keep(revert(onTrial)));
  return reverted.ok ? fail(notProven) : reverted;
}
