import { readFileSync } from 'node:fs';
import {
  backoffMs,
  decideCancel,
  decideReport,
  decideTime,
  isOpen,
  isToBeTakenBack,
  type JobProgress,
  nextCheck,
  offer,
  stateTable,
} from '@tsunagu/fleet-server/jobs/index';
import { errorTable } from '@tsunagu/protocols/errors';
import { jobKinds, type JobReport, type JobState, jobStates, jobTypes, policyOf } from '@tsunagu/protocols/fleet';
import { expect, test } from 'vitest';

const job = (state: JobState, more: Partial<JobProgress> = {}): JobProgress => ({
  state,
  attempt: 1,
  attemptsMax: 3,
  notBefore: 0,
  deadlineAt: 10_000_000,
  changedAt: 0,
  announcedAt: 0,
  isCancelling: false,
  ...more,
});
const done: JobReport = { attempt: 1, state: 'succeeded', evidence: { slot: 'dukpt', kcv: '0123456789' } };
const failed = { attempt: 1, state: 'failed', fault: 'LINK_DOWN' } as const;
const decide = (of: JobProgress, report: JobReport) => decideReport(of, 'key.load', report, 1_000, 0.5);

test('a queued job is handed out as its next attempt, an offered one as the same, and nothing else', () => {
  expect(offer(job('queued', { attempt: 0 }), 0)).toBe(1);
  expect(offer(job('queued', { attempt: 2 }), 0)).toBe(3);
  expect(offer(job('offered', { attempt: 2 }), 0)).toBe(2);
  const silent = jobStates.filter((state) => state !== 'queued' && state !== 'offered');
  expect(silent.map((state) => offer(job(state), 0))).toEqual(silent.map(() => undefined));
});

test('nothing is handed out before its time, after its time, or when it was taken back', () => {
  expect(offer(job('queued', { notBefore: 5 }), 4)).toBeUndefined();
  expect(offer(job('queued', { notBefore: 5 }), 5)).toBe(2);
  expect(offer(job('queued', { deadlineAt: 5 }), 5)).toBeUndefined();
  expect(offer(job('offered', { isCancelling: true }), 0)).toBeUndefined();
});

test('what a cancellation does in each state is what the table says', () => {
  for (const state of jobStates) expect(decideCancel({ state }), state).toBe(stateTable[state].cancel);
  expect(jobStates.filter(isOpen)).toEqual(['held', 'queued', 'offered', 'running']);
  // Only where the terminal may have the order is it asked; everywhere else there is nobody to ask.
  expect(jobStates.filter((state) => isToBeTakenBack(job(state, { isCancelling: true })))).toEqual([
    'offered',
    'running',
  ]);
});

test('after a cancellation the terminal has the last word', () => {
  for (const state of ['offered', 'running'] as const) {
    const asked = job(state, { isCancelling: true });
    expect(decide(asked, { attempt: 1, state: 'cancelled' })).toMatchObject({ change: 'finish', state: 'cancelled' });
    expect(decide(asked, done)).toMatchObject({ change: 'finish', state: 'succeeded', isLate: false });
    // No further attempt is made of what was taken back.
    expect(decide(asked, failed)).toMatchObject({ change: 'finish', state: 'failed' });
  }
});

test('a final report is taken once: what is over stays as it is', () => {
  expect(decide(job('offered'), done)).toMatchObject({ change: 'finish', state: 'succeeded' });
  for (const state of ['succeeded', 'failed', 'cancelled'] as const)
    expect(decide(job(state), { ...failed, state: 'failed' })).toEqual({ change: 'nothing' });
  // A repetition about the attempt before, while the next one waits.
  expect(decide(job('queued'), failed)).toEqual({ change: 'nothing' });
});

test('a terminal that finished although the server had given up is believed, and its result marked late', () => {
  expect(decide(job('timed-out'), done)).toMatchObject({ change: 'finish', state: 'succeeded', isLate: true });
  expect(decide(job('timed-out'), failed)).toMatchObject({ change: 'finish', state: 'failed', isLate: true });
  expect(decide(job('timed-out'), { attempt: 1, state: 'running' })).toEqual({ change: 'nothing' });
});

test('a success that does not show what its kind brings is none', () => {
  expect(decide(job('running'), { attempt: 1, state: 'succeeded' })).toMatchObject({
    change: 'finish',
    state: 'failed',
    fault: 'JOB_RESULT_MISSING',
  });
});

test('a report about another attempt changes nothing', () => {
  expect(decide(job('running', { attempt: 2 }), done)).toEqual({ change: 'nothing' });
  expect(decide(job('running', { attempt: 2 }), { ...done, attempt: 3 })).toEqual({ change: 'nothing' });
});

test('a further attempt follows only a fault that may pass, while attempts and time are left', () => {
  const pause = backoffMs(policyOf('key.load'), 1, 0.5);
  expect(decide(job('running'), failed)).toEqual({ change: 'retry', notBefore: 1_000 + pause });
  expect(decide(job('running', { attemptsMax: 1 }), failed)).toMatchObject({ change: 'finish', state: 'failed' });
  expect(decide(job('running', { deadlineAt: 1_001 }), failed)).toMatchObject({ change: 'finish', state: 'failed' });
  expect(decide(job('running'), { ...failed, fault: 'TR31_NOT_AUTHENTIC' })).toMatchObject({
    fault: 'TR31_NOT_AUTHENTIC',
  });
});

test.each(jobTypes)('the pauses of %s grow, and no further than its table says', (type) => {
  const policy = policyOf(type);
  const pauses = Array.from({ length: 12 }, (_, index) => backoffMs(policy, index + 1, 0.5));
  expect(pauses).toEqual(pauses.toSorted((one, other) => one - other));
  expect(pauses.at(-1)).toBe(policy.backoff.maxMs);
  expect(backoffMs(policy, 1, 1) - backoffMs(policy, 1, 0)).toBeGreaterThan(policy.backoff.firstMs / 10);
});

test.each(jobTypes)('the entry of %s holds together', (type) => {
  const { policy, title } = jobKinds[type];
  expect(policy.attemptsMax).toBeGreaterThan(0);
  expect(policy.offeredMs).toBeLessThan(policy.deadlineMs);
  expect(policy.runningMs).toBeLessThanOrEqual(policy.deadlineMs);
  // A kind that must not happen twice is not tried twice.
  if (policy.afterPowerLoss === 'failed') expect(policy.attemptsMax).toBe(1);
  if (policy.isDestructive) expect(policy.isForPeople).toBe(true);
  for (const code of policy.retryable) expect(errorTable).toHaveProperty(code);
  expect(title.en).not.toBe('');
  expect(title.ja).toMatch(/[ぁ-んァ-ヶ一-龠]/);
});

test('the clock ends what is overdue or silent, and tells a terminal again that has not answered', () => {
  const { offeredMs, runningMs } = policyOf('key.load');
  const at = (of: JobProgress, now: number) => decideTime(of, 'key.load', now);
  for (const state of jobStates)
    expect(at(job(state, { deadlineAt: 100 }), 100), state).toBe(isOpen(state) ? 'timed-out' : 'nothing');
  expect(at(job('offered'), offeredMs - 1)).toBe('nothing');
  expect(at(job('offered'), offeredMs)).toBe('announce');
  expect(at(job('running'), runningMs)).toBe('timed-out');
  expect(at(job('running', { isCancelling: true }), offeredMs)).toBe('announce');
  // Telling it again does not put off the end of a silent job.
  expect(at(job('running', { isCancelling: true, announcedAt: runningMs - 1 }), runningMs)).toBe('timed-out');
  expect(at(job('queued', { notBefore: 50 }), 50)).toBe('announce');
  expect(at(job('queued', { notBefore: 50, announcedAt: 50 }), 60)).toBe('nothing');
  expect(nextCheck(job('succeeded'), 'key.load')).toBeNull();
});

test('the README shows the tables as they are', () => {
  const readme = readFileSync(new URL('../../../fleet-server/src/jobs/README.md', import.meta.url), 'utf8');
  const states = jobStates.map((state) => {
    const { means, cancel, timeout, powerLoss } = stateTable[state];
    return `| \`${state}\` | ${means} | ${cancel} | ${timeout} | ${powerLoss} |`;
  });
  const span = (ms: number): string => {
    for (const [unit, length] of [
      ['d', 86_400_000],
      ['h', 3_600_000],
      ['min', 60_000],
    ] as const)
      if (ms % length === 0) return `${ms / length} ${unit}`;
    return `${ms / 1_000} s`;
  };
  const kinds = jobTypes.map((type) => {
    const { title, policy } = jobKinds[type];
    const notes = [
      policy.needsIdle && 'idle',
      policy.mayRestart && 'restarts',
      policy.isDestructive && 'second person',
      !policy.isForPeople && 'server only',
    ].filter(Boolean);
    return `| \`${type}\` | ${title.en} | ${policy.attemptsMax} | ${span(policy.backoff.firstMs)} – ${span(policy.backoff.maxMs)} | ${span(policy.deadlineMs)} | ${span(policy.runningMs)} | ${policy.afterPowerLoss} | ${notes.join(', ') || '–'} |`;
  });
  for (const line of [...states, ...kinds]) expect(readme).toContain(`${line}\n`);
});
