import {
  type Job,
  type JobBody,
  type JobReport,
  jobIdSchema,
  jobReport,
  type JobOrder,
  type JobState,
  jobStates,
  parseJson,
  serialSchema,
  type Serial,
  type SignedDocument,
  type TenantId,
} from '@tsunagu/protocols/fleet';
import { fail, FaultError, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Selectable, Transaction } from 'kysely';
import type { LiveHub } from '../live/index.ts';
import { type Database, isoTime, type Queryable, type Store } from '../store/index.ts';
import { decideReport, isOpen, type JobProgress, offer } from './rules.ts';
import type { JobTables } from './tables.ts';

type JobRow = Selectable<JobTables['jobs']>;

const openStates = jobStates.filter(isOpen);
/** The most jobs that may wait for one terminal. */
const openMax = 32;
/** The most steps kept of one attempt. */
const stepsMax = 64;
/** How often overdue jobs are looked for. */
const sweepMs = 1_000;
const sweepMax = 100;

const policies = {
  'key.load': { attemptsMax: 3, deadlineMs: 7 * 86_400_000 },
  'sale.test': { attemptsMax: 1, deadlineMs: 120_000 },
  'payment.run': { attemptsMax: 1, deadlineMs: 120_000 },
  'payment.totals': { attemptsMax: 1, deadlineMs: 120_000 },
  'slip.print': { attemptsMax: 3, deadlineMs: 120_000 },
  'trace.show': { attemptsMax: 3, deadlineMs: 120_000 },
  'software.install': { attemptsMax: 3, deadlineMs: 7 * 86_400_000 },
} as const satisfies Record<JobBody['type'], { attemptsMax: number; deadlineMs: number }>;

/** What the job engine needs of the rooms around it. */
export interface JobRooms {
  readonly world: World;
  readonly store: Store;
  readonly live: LiveHub;
  readonly tenant: TenantId;
  readonly sign: (payload: string) => SignedDocument;
  /** Tells a terminal, if it is there, that so many jobs wait. */
  notify(serial: Serial, jobs: number): void;
  /** Takes part in the transaction that ends a job. */
  finished(tx: Transaction<Database>, serial: Serial, body: JobBody['type'], report: JobReport): Promise<void>;
  /** Notes something in a terminal's timeline. */
  note(
    tx: Transaction<Database>,
    serial: Serial,
    kind: 'job-queued' | 'job-finished',
    facts: Readonly<Record<string, string | number | boolean | null>>,
  ): Promise<void>;
  /** Takes part in the transaction that ends a job, however it ends. */
  ended?(tx: Transaction<Database>, job: string, state: JobState, fault: string | null): Promise<void>;
  /** A job entered a state: for counting. */
  entered?(type: JobBody['type'], state: JobState): void;
  /** Something about the terminal changed: called after the commit. */
  announce(serial: Serial): void;
}

/** One engine for whatever is done to a terminal. Orders are pulled, signed, and have their effect once. */
export interface Jobs {
  /** Queues a job in a transaction; undefined when one with the same subject is open. Announce it after the commit: `wake`. */
  queueIn(tx: Transaction<Database>, serial: Serial, body: JobBody, subject: string): Promise<string | undefined>;
  /** Takes a job back while it is `queued` or `offered`; later nothing happens. */
  cancelIn(tx: Transaction<Database>, id: string): Promise<void>;
  /** Which subjects have an open job. */
  openSubjects(on: Queryable, serial: Serial): Promise<ReadonlySet<string>>;
  /** Notifies the terminal of its open jobs. */
  wake(serial: Serial): Promise<void>;
  /** Hands out the next order, oldest first; null when there is none. */
  next(serial: Serial): Promise<SignedDocument | null>;
  /** Takes a report. When it resolves the report is on disk and may be acknowledged; also when it changed nothing. */
  report(serial: Serial, id: string, report: JobReport): Promise<Result<void, 'JOB_UNKNOWN'>>;
  job(id: string): Promise<Result<Job, 'JOB_UNKNOWN'>>;
  /** Has a terminal do something: a payment, its totals, a slip, another software. */
  start(
    serial: Serial,
    body: Exclude<JobBody, { type: 'key.load' }>,
    by: { readonly subject: string },
  ): Promise<Result<Job, 'TERMINAL_UNKNOWN' | 'JOB_QUEUE_FULL'>>;
  close(): void;
}

const progressOf = (row: JobRow): JobProgress => ({
  state: row.state,
  attempt: row.attempt,
  attemptsMax: row.attempts_max,
  deadlineAt: row.deadline_at,
});

export function openJobs(rooms: JobRooms): Jobs {
  const { world, store, live } = rooms;

  async function read(on: Queryable, id: string): Promise<Result<Job, 'JOB_UNKNOWN'>> {
    const row = await on.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
    if (!row) return fail('JOB_UNKNOWN');
    const steps = await on
      .selectFrom('job_steps')
      .select(['step', 'at_ms', 'detail'])
      .where('job', '=', id)
      .where('attempt', '=', row.attempt)
      .orderBy('at_ms')
      .limit(stepsMax)
      .execute();
    const final = row.result === null ? undefined : parseJson(jobReport, row.result);
    const result = final?.ok ? final.value : undefined;
    return ok({
      id: row.id,
      serial: serialSchema.parse(row.serial),
      type: row.type,
      state: row.state,
      attempt: row.attempt,
      createdAt: isoTime(row.created_at),
      finishedAt: row.finished_at === null ? null : isoTime(row.finished_at),
      fault: row.fault,
      steps: steps.map(({ step, at_ms, detail }) => ({ step, atMs: at_ms, detail })),
      sale: result?.sale ?? null,
      evidence: result?.evidence ?? null,
      totals: result?.totals ?? null,
      document: result?.document ?? null,
    });
  }

  async function show(id: string): Promise<void> {
    const job = await read(store.db, id);
    // A printed document is fetched with the job, and not sent to everybody who looks on.
    if (job.ok) live.publish({ name: 'job', data: { ...job.value, document: null } });
  }

  async function queueIn(
    tx: Transaction<Database>,
    serial: Serial,
    body: JobBody,
    subject: string,
  ): Promise<string | undefined> {
    const id = world.id();
    const now = world.clock.now();
    const { attemptsMax, deadlineMs } = policies[body.type];
    const queued = await tx
      .insertInto('jobs')
      .values({
        id,
        serial,
        type: body.type,
        subject,
        params: JSON.stringify(body.params),
        state: 'queued',
        attempt: 0,
        attempts_max: attemptsMax,
        created_at: now,
        deadline_at: now + deadlineMs,
        finished_at: null,
        fault: null,
        result: null,
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (queued.numInsertedOrUpdatedRows !== 1n) return undefined;
    rooms.entered?.(body.type, 'queued');
    await rooms.note(tx, serial, 'job-queued', { job: id, type: body.type });
    return id;
  }

  const openRows = (on: Queryable, serial: Serial) =>
    on
      .selectFrom('jobs')
      .selectAll()
      .where('serial', '=', serial)
      .where('state', 'in', openStates)
      .orderBy('created_at')
      .limit(openMax);

  async function finish(
    tx: Transaction<Database>,
    row: JobRow,
    state: Extract<JobState, 'succeeded' | 'failed' | 'timed-out' | 'cancelled'>,
    fault: string | null,
    report: JobReport | undefined,
  ): Promise<void> {
    const finished_at = world.clock.now();
    rooms.entered?.(row.type, state);
    const result = report ? JSON.stringify(report) : null;
    await tx.updateTable('jobs').set({ state, finished_at, fault, result }).where('id', '=', row.id).execute();
    await rooms.ended?.(tx, row.id, state, fault);
    await rooms.note(tx, serialSchema.parse(row.serial), 'job-finished', {
      job: row.id,
      type: row.type,
      state,
      ...(fault !== null && { fault }),
      ...(report?.sale && { outcome: report.sale.outcome, amountMinor: report.sale.amountMinor }),
    });
  }

  async function sweep(): Promise<void> {
    const overdue = await store.db
      .selectFrom('jobs')
      .select(['id', 'serial'])
      .where('state', 'in', openStates)
      .where('deadline_at', '<=', world.clock.now())
      .limit(sweepMax)
      .execute();
    for (const { id, serial } of overdue) {
      await store.write(async (tx) => {
        const row = await tx.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
        if (isOpen(row.state)) await finish(tx, row, 'timed-out', 'JOB_TIMED_OUT', undefined);
      });
      rooms.announce(serialSchema.parse(serial));
      await show(id);
    }
  }

  let sweeping = false;
  const sweeper = world.timers.every(sweepMs, () => {
    if (sweeping) return;
    sweeping = true;
    sweep()
      .catch((cause: unknown) => world.log('error', 'jobSweepFailed', { fault: { code: 'INTERNAL', cause } }))
      .finally(() => {
        sweeping = false;
      });
  });

  const jobs: Jobs = {
    queueIn,
    async cancelIn(tx, id) {
      const row = await tx.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
      if (row?.state === 'queued' || row?.state === 'offered') await finish(tx, row, 'cancelled', null, undefined);
    },
    async openSubjects(on, serial) {
      return new Set((await openRows(on, serial).execute()).map((row) => row.subject));
    },
    async wake(serial) {
      const open = await openRows(store.db, serial).execute();
      const waiting = open.filter((row) => offer(progressOf(row), world.clock.now()) !== undefined).length;
      if (waiting > 0) rooms.notify(serial, waiting);
    },
    async next(serial) {
      return await store.write(async (tx) => {
        const now = world.clock.now();
        for (const row of await openRows(tx, serial).execute()) {
          const attempt = offer(progressOf(row), now);
          if (attempt === undefined) continue;
          await tx.updateTable('jobs').set({ state: 'offered', attempt }).where('id', '=', row.id).execute();
          if (row.state === 'queued') rooms.entered?.(row.type, 'offered');
          const order = {
            tenant: rooms.tenant,
            serial,
            job: jobIdSchema.parse(row.id),
            attempt,
            exp: row.deadline_at,
            type: row.type,
            params: JSON.parse(row.params),
          } satisfies Record<keyof JobOrder, unknown>;
          return rooms.sign(JSON.stringify(order));
        }
        return null;
      });
    },
    async report(serial, id, report) {
      const known = await store.write(async (tx) => {
        const row = await tx
          .selectFrom('jobs')
          .selectAll()
          .where('id', '=', id)
          .where('serial', '=', serial)
          .executeTakeFirst();
        if (!row) return false;
        const decision = decideReport(progressOf(row), report);
        if (decision.change !== 'nothing' && report.progress) {
          const { step, atMs, detail = null } = report.progress;
          await tx
            .insertInto('job_steps')
            .values({ job: id, attempt: report.attempt, at_ms: atMs, step, detail })
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
        if (decision.change === 'progress' && row.state !== 'running') {
          rooms.entered?.(row.type, 'running');
          await tx.updateTable('jobs').set({ state: 'running' }).where('id', '=', id).execute();
        }
        if (decision.change === 'retry')
          await tx
            .updateTable('jobs')
            .set({ state: 'queued', fault: report.fault ?? null })
            .where('id', '=', id)
            .execute();
        if (decision.change === 'finish') {
          await finish(tx, row, decision.state, report.fault ?? null, report);
          await rooms.finished(tx, serial, row.type, report);
        }
        return true;
      });
      if (!known) return fail('JOB_UNKNOWN', { facts: { serial } });
      await show(id);
      if (report.state !== 'running') {
        rooms.announce(serial);
        await jobs.wake(serial);
      }
      return ok(undefined);
    },
    job: (id) => read(store.db, id),
    async start(serial, body, by) {
      let id: string | undefined;
      try {
        id = await store.write(async (tx) => {
          const terminal = await tx
            .selectFrom('terminals')
            .select('serial')
            .where('serial', '=', serial)
            .executeTakeFirst();
          if (!terminal) throw new FaultError({ code: 'TERMINAL_UNKNOWN' });
          if ((await openRows(tx, serial).execute()).length >= openMax)
            throw new FaultError({ code: 'JOB_QUEUE_FULL' });
          return await queueIn(tx, serial, body, `${body.type}/${world.id()}`);
        });
      } catch (error) {
        if (error instanceof FaultError && error.fault.code === 'TERMINAL_UNKNOWN') return fail('TERMINAL_UNKNOWN');
        if (error instanceof FaultError && error.fault.code === 'JOB_QUEUE_FULL') return fail('JOB_QUEUE_FULL');
        throw error;
      }
      world.log('info', 'jobQueued', { serial, job: id, type: body.type, by: by.subject });
      await jobs.wake(serial);
      const queued = await read(store.db, id ?? '');
      if (!queued.ok) throw new FaultError(queued.fault);
      live.publish({ name: 'job', data: queued.value });
      return queued;
    },
    close: () => sweeper.cancel(),
  };
  return jobs;
}
