import { createHash } from 'node:crypto';
import { lackedForJob, modelOf } from '@tsunagu/protocols/catalogue';
import {
  type CarriedReport,
  type Job,
  jobBody,
  type JobBody,
  type JobCancellation,
  jobIdSchema,
  type JobOrder,
  type JobPriority,
  type JobReport,
  type JobState,
  type JobType,
  parseWith,
  isWaitedFor,
  permits,
  policyOf,
  repositoryFaults,
  serialSchema,
  type Serial,
  type SignedDocument,
  type TenantId,
} from '@tsunagu/protocols/fleet';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { fail, FaultError, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import { sql, type Transaction, type Updateable } from 'kysely';
import type { Actor, Approvals, OnDecided } from '../audit/index.ts';
import type { LiveHub } from '../live/index.ts';
import { among, type Database, type Page, type PageRequest, type Queryable, type Store } from '../store/index.ts';
import { type Chain, type Refusals, refusalsOf } from './again.ts';
import { type Carriage, openCarriage } from './carriage.ts';
import { countJobs, type JobSelection, listJobs, selectJobs } from './list.ts';
import { type JobLogs, jobLogs } from './logs.ts';
import { forgetJobs } from './retention.ts';
import { type JobRow, progressOf, type Sign, stepsOf, viewOf } from './row.ts';
import {
  decideCancel,
  decideReport,
  decideTime,
  isOpen,
  isToBeTakenBack,
  nextCheck,
  offer,
  openStates,
} from './rules.ts';
import type { JobTables } from './tables.ts';

/** Terminals of which each may get another software by a person's word alone, within a day; more of them are a campaign. */
const pilotsMax = 10;
const pilotsWithinMs = 86_400_000;
/** Whether somebody with a card waits for it. */
const isPaidWith = (type: JobBody['type']): boolean => type === 'sale.test' || type === 'payment.run';
/** The most jobs that may wait for one terminal; emergencies find a few places more. */
const openMax = 32;
const emergencyPlaces = 8;
/** How often the clock is asked what it does to jobs. */
const sweepMs = 1_000;
const sweepMax = 100;
/** How often jobs past their keeping are looked for. */
const forgetMs = 60 * 60_000;

const priorities = { emergency: 0, routine: 1 } as const satisfies Record<JobPriority, number>;

/** Who does something to a job. What cannot be undone is ordered and approved by roles that nobody holds together. */
export type JobActor = Actor;

/** When and for what a job is ordered. */
export interface JobOrdering {
  readonly priority?: JobPriority | undefined;
  /** Server time, milliseconds since 1970. */
  readonly notBefore?: number | undefined;
  readonly notAfter?: number | undefined;
  /** What it belongs to, such as a campaign. */
  readonly reference?: string | undefined;
  /** Of two open jobs of a terminal with one subject one is enough: the earlier one is the answer. Without it every order is its own. */
  readonly subject?: string | undefined;
}

/** What the job engine needs of the rooms around it. */
export interface JobRooms {
  readonly world: World;
  readonly store: Store;
  readonly live: LiveHub;
  readonly tenant: TenantId;
  readonly sign: Sign;
  readonly approvals: Pick<Approvals, 'request' | 'lapse' | 'decide' | 'onDecided'>;
  /** Tells a terminal, if it is there, that so many jobs wait. */
  notify(serial: Serial, jobs: number): void;
  /** Whether the key of a certificate of the terminal that is in force signed it. Without this nobody's word is carried here. */
  isSigned?(serial: Serial, report: CarriedReport): Promise<boolean>;
  /** Takes part in the transaction that ends a job with success. A code: it has not succeeded after all, and fails by that. */
  finished(
    tx: Transaction<Database>,
    serial: Serial,
    job: { readonly id: string; readonly type: JobType },
    report: JobReport,
  ): Promise<ErrorCode | undefined>;
  /** Notes something in a terminal's timeline. */
  note(
    tx: Transaction<Database>,
    serial: Serial,
    kind: 'job-queued' | 'job-finished' | 'alarm',
    facts: Readonly<Record<string, string | number | boolean | null>>,
  ): Promise<void>;
  /** Takes part in the transaction that ends a job, however it ends. */
  ended?(tx: Transaction<Database>, job: string, state: JobState, fault: string | null): Promise<void>;
  /** A job entered a state: for counting. */
  entered?(type: JobType, state: JobState): void;
  /** Something about the terminal changed: called after the commit. */
  announce(serial: Serial): void;
}

type OrderFault =
  | 'TERMINAL_UNKNOWN'
  | 'MODEL_CANNOT'
  | 'JOB_QUEUE_FULL'
  | 'INPUT_INVALID'
  | 'ROLE_INSUFFICIENT'
  | 'CAMPAIGN_NEEDED'
  | 'TERMINAL_REVOKED'
  | 'TERMINAL_NOT_ENROLLED'
  | 'LIFECYCLE_FORBIDS';
type ApprovalFault = Extract<Awaited<ReturnType<Approvals['decide']>>, { ok: false }>['fault']['code'];

/** One engine for whatever is done to a terminal. Orders are pulled, signed, and have their effect once. */
export interface Jobs extends Carriage {
  /** Queues a job in a transaction; undefined when one with the same subject is open. Announce it after the commit: `wake`. */
  queueIn(
    tx: Transaction<Database>,
    serial: Serial,
    body: JobBody,
    subject: string,
    reference?: string,
  ): Promise<string | undefined>;
  /**
   * As `queueIn`, for a wish of the house that it has until it is fulfilled: after refusals the order waits, longer each time.
   * @returns undefined when one with the same subject is open; else how often in a row it was refused
   */
  queueAgainIn(
    tx: Transaction<Database>,
    serial: Serial,
    body: JobBody,
    subject: string,
    chain: Chain,
  ): Promise<Refusals | undefined>;
  /**
   * Another device may stand behind a serial now, or the same with nothing left of what it had: what was handed out before is over without
   * an answer, and what the house itself had ordered for the old one is taken back.
   */
  unitChanged(tx: Transaction<Database>, serial: Serial): Promise<void>;
  /** Takes a job back in a transaction: at once while it is not under way, else the terminal is asked. */
  cancelIn(tx: Transaction<Database>, id: string): Promise<void>;
  /** Which subjects have an open job. */
  openSubjects(on: Queryable, serial: Serial): Promise<ReadonlySet<string>>;
  /** Notifies the terminal of its open jobs. */
  wake(serial: Serial): Promise<void>;
  /** Hands out what to do next: what is taken back first, then by priority and age. `cancellation`: only what is taken back. */
  next(serial: Serial, what?: 'job' | 'cancellation'): Promise<SignedDocument | null>;
  /** Takes a report. When it resolves the report is on disk and may be acknowledged; also when it changed nothing. */
  report(serial: Serial, id: string, report: JobReport): Promise<Result<void, 'JOB_UNKNOWN'>>;
  job(id: string): Promise<Result<Job, 'JOB_UNKNOWN'>>;
  /** Newest first. Without documents and steps. */
  list(selection: JobSelection, page: PageRequest): Promise<Result<Page<Job>, 'INPUT_INVALID'>>;
  /** How many jobs of a reference are in which state. */
  counts(reference: string): Promise<Readonly<Partial<Record<JobState, number>>>>;
  /** Has a terminal do something. What cannot be undone is `held` until somebody else approves it. */
  start(serial: Serial, body: JobBody, by: JobActor, ordering?: JobOrdering): Promise<Result<Job, OrderFault>>;
  /** Takes a job back: at once, or by asking the terminal (`isCancelling`). JOB_OVER when it has ended. */
  cancel(id: string, by: JobActor): Promise<Result<Job, 'JOB_UNKNOWN' | 'JOB_OVER'>>;
  /**
   * Takes back the open jobs of a selection, newest first, so many in one transaction.
   * @param apply false: only says which
   */
  cancelMany(
    selection: JobSelection,
    by: JobActor,
    apply: boolean,
    max: number,
  ): Promise<{ readonly jobs: readonly Pick<Job, 'id' | 'serial' | 'type' | 'state'>[]; readonly hasMore: boolean }>;
  /** Orders what a job that is over was to do once more, as a new job. */
  retry(
    id: string,
    by: JobActor,
  ): Promise<Result<Job, OrderFault | 'JOB_UNKNOWN' | 'JOB_STILL_OPEN' | 'JOB_KIND_NOT_FOR_PEOPLE'>>;
  /** A second person lets a held job go: approves the request that its order made. */
  approve(id: string, by: JobActor): Promise<Result<Job, 'JOB_UNKNOWN' | 'JOB_OVER' | ApprovalFault>>;
  readonly logs: JobLogs;
  close(): void;
}

export function openJobs(rooms: JobRooms): Jobs {
  const { world, store, live } = rooms;

  const find = (on: Queryable, id: string): Promise<JobRow | undefined> =>
    on.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();

  async function read(id: string): Promise<Result<Job, 'JOB_UNKNOWN'>> {
    const row = await find(store.db, id);
    return row ? ok(viewOf(row, await stepsOf(store.db, row))) : fail('JOB_UNKNOWN');
  }

  async function show(id: string): Promise<void> {
    const job = await read(id);
    // A printed document is fetched with the job, and not sent to everybody who looks on.
    if (job.ok) live.publish({ name: 'job', data: { ...job.value, document: null } });
  }

  /** The only way a job changes: when the clock looks at it next follows from what it is then. */
  async function put(
    tx: Transaction<Database>,
    row: JobRow,
    changes: Updateable<JobTables['jobs']> & Partial<JobRow>,
  ): Promise<JobRow> {
    const next = { ...row, ...changes };
    const check_at = nextCheck(progressOf(next), row.type) ?? row.check_at;
    await tx
      .updateTable('jobs')
      .set({ ...changes, check_at })
      .where('id', '=', row.id)
      .execute();
    if (next.state !== row.state) rooms.entered?.(row.type, next.state);
    return { ...next, check_at };
  }

  const deadlineOf = ({ type }: JobBody, { notBefore = 0, notAfter }: JobOrdering): number =>
    notAfter ?? Math.max(world.clock.now(), notBefore) + policyOf(type).deadlineMs;

  /** @returns its id; undefined when one with the same subject is open */
  async function insert(
    tx: Transaction<Database>,
    serial: Serial,
    body: JobBody,
    by: JobActor,
    ordering: JobOrdering,
    id = world.id(),
    approval: string | null = null,
  ): Promise<string | undefined> {
    const now = world.clock.now();
    const policy = policyOf(body.type);
    const notBefore = ordering.notBefore ?? 0;
    const deadlineAt = deadlineOf(body, ordering);
    const state = policy.isDestructive ? 'held' : 'queued';
    const row: JobRow = {
      id,
      serial,
      type: body.type,
      subject: ordering.subject ?? `${body.type}/${id}`,
      params: JSON.stringify(body.params),
      state,
      attempt: 0,
      attempts_max: policy.attemptsMax,
      created_at: now,
      deadline_at: deadlineAt,
      finished_at: null,
      fault: null,
      result: null,
      priority: priorities[ordering.priority ?? 'routine'],
      not_before: notBefore,
      changed_at: now,
      announced_at: now,
      check_at: 0,
      cancelled_at: null,
      is_late: 0,
      ordered_by: by.subject,
      approved_by: null,
      approval,
      reference: ordering.reference ?? null,
    };
    const inserted = await tx
      .insertInto('jobs')
      .values({ ...row, check_at: nextCheck(progressOf(row), body.type) ?? 0 })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (inserted.numInsertedOrUpdatedRows !== 1n) return undefined;
    rooms.entered?.(body.type, state);
    await rooms.note(tx, serial, 'job-queued', { job: id, type: body.type });
    return id;
  }

  const openRows = (on: Queryable, serial: Serial) =>
    on
      .selectFrom('jobs')
      .selectAll()
      .where('serial', '=', serial)
      .where('state', 'in', openStates)
      .orderBy('priority')
      .orderBy('created_at')
      .orderBy('id')
      .limit(openMax + emergencyPlaces);

  async function order(
    tx: Transaction<Database>,
    serial: Serial,
    body: JobBody,
    by: JobActor,
    ordering: JobOrdering,
  ): Promise<Result<string, OrderFault>> {
    const now = world.clock.now();
    const { notBefore = 0, notAfter, priority, subject } = ordering;
    if (notAfter !== undefined && notAfter <= Math.max(now, notBefore))
      return fail('INPUT_INVALID', { field: 'notAfter' });
    const terminal = await tx
      .selectFrom('terminals')
      .select(['model', 'lifecycle'])
      .where('serial', '=', serial)
      .executeTakeFirst();
    if (!terminal) return fail('TERMINAL_UNKNOWN', { facts: { serial } });
    // Whoever pays stands at the till, and nothing leads out of such a state but people.
    if (isPaidWith(body.type) && !permits(terminal.lifecycle, 'connect'))
      return fail('LIFECYCLE_FORBIDS', { facts: { serial, state: terminal.lifecycle } });
    const model = modelOf(terminal.model);
    const lacked = model && lackedForJob(model, body);
    if (lacked !== undefined) return fail('MODEL_CANNOT', { field: lacked, facts: { model: terminal.model, lacked } });
    // What can wait for days may wait for a new claim; what somebody stands by and waits for would only time out.
    const held = isWaitedFor(body.type) ? await cutOff(tx, serial, body.type) : undefined;
    if (held !== undefined) return fail(held, { facts: { serial } });
    const open = await openRows(tx, serial).execute();
    const already = subject === undefined ? undefined : open.find((row) => row.subject === subject);
    if (already) return ok(already.id);
    const places = openMax + (priority === 'emergency' ? emergencyPlaces : 0);
    if (open.length >= places) return fail('JOB_QUEUE_FULL', { facts: { serial, waiting: open.length } });
    if (body.type === 'software.install' && (await pilotsOf(tx, serial, now)) >= pilotsMax)
      return fail('CAMPAIGN_NEEDED', { facts: { max: pilotsMax } });
    const id = world.id();
    let approval: string | null = null;
    if (policyOf(body.type).isDestructive) {
      const asked = await rooms.approvals.request(tx, {
        kind: body.type.startsWith('key.') ? 'key' : 'wipe',
        subject: `terminal/${serial}`,
        digest: digestOf({ id, serial, type: body.type, params: JSON.stringify(body.params) }),
        facts: { job: id, type: body.type },
        by,
        lifeMs: deadlineOf(body, ordering) - now,
      });
      if (!asked.ok) return asked;
      approval = asked.value.id;
    }
    const inserted = await insert(tx, serial, body, by, ordering, id, approval);
    if (inserted === undefined) throw new Error('a job that was not there could not be queued');
    return ok(id);
  }

  /** Why a terminal cannot come at all, until somebody has done something at it. */
  async function cutOff(
    tx: Transaction<Database>,
    serial: Serial,
    type: JobBody['type'],
  ): Promise<'TERMINAL_REVOKED' | 'TERMINAL_NOT_ENROLLED' | undefined> {
    const claim = await tx
      .selectFrom('claims')
      .select(['ended_at', 'used_key'])
      .where('serial', '=', serial)
      .executeTakeFirst();
    if (claim && claim.ended_at !== null) return 'TERMINAL_REVOKED';
    // Whoever pays waits there; a test or a restart may come before the first contact, and is done after it.
    if (!isPaidWith(type) || (claim && claim.used_key !== null)) return undefined;
    // A claim that was issued anew, or is not there, takes nothing from who is enrolled.
    const certificate = await tx
      .selectFrom('certificates')
      .select('fingerprint')
      .where('kind', '=', 'terminal')
      .where('subject', '=', serial)
      .where('ended_at', 'is', null)
      .where('not_after', '>', world.clock.now())
      .limit(1)
      .executeTakeFirst();
    return certificate ? undefined : 'TERMINAL_NOT_ENROLLED';
  }

  /** Terminals besides this one that people gave another software one by one, within a day. */
  async function pilotsOf(tx: Transaction<Database>, serial: Serial, now: number): Promise<number> {
    const { count } = await tx
      .selectFrom('jobs')
      .select((all) => all.fn.count<number>('serial').distinct().as('count'))
      .where(sql.ref('type'), '=', sql.lit('software.install'))
      .where('subject', 'not like', 'campaign/%')
      .where('created_at', '>', now - pilotsWithinMs)
      .where('serial', '!=', serial)
      .executeTakeFirstOrThrow();
    return Number(count);
  }

  async function finish(
    tx: Transaction<Database>,
    row: JobRow,
    state: Extract<JobState, 'succeeded' | 'failed' | 'timed-out' | 'cancelled'>,
    fault: string | null,
    report?: JobReport,
    isLate = false,
  ): Promise<void> {
    const now = world.clock.now();
    const result = report ? JSON.stringify(report) : null;
    await put(tx, row, { state, finished_at: now, changed_at: now, fault, result, is_late: isLate ? 1 : 0 });
    if (row.state === 'held' && row.approval !== null) await rooms.approvals.lapse(tx, row.approval);
    await rooms.ended?.(tx, row.id, state, fault);
    await rooms.note(tx, serialSchema.parse(row.serial), 'job-finished', {
      job: row.id,
      type: row.type,
      state,
      ...(fault !== null && { fault }),
      ...(isLate && { late: true }),
      ...(report?.sale && { outcome: report.sale.outcome, amountMinor: report.sale.amountMinor }),
    });
    // Somebody shows this terminal another repository than the one that people signed, or nobody looks after it.
    if (state === 'failed' && repositoryFaults.some((code) => code === fault))
      await rooms.note(tx, serialSchema.parse(row.serial), 'alarm', { code: fault, job: row.id });
  }

  /** Does to one job what the clock wants. */
  async function checkTime(id: string): Promise<void> {
    const done = await store.write(async (tx) => {
      const row = await find(tx, id);
      if (!row || !isOpen(row.state)) return undefined;
      const decision = decideTime(progressOf(row), row.type, world.clock.now());
      if (decision === 'timed-out') await finish(tx, row, 'timed-out', 'JOB_TIMED_OUT');
      // Also for one that is not due yet: the clock may have been set back, and looks again when it is.
      else await put(tx, row, decision === 'announce' ? { announced_at: world.clock.now() } : {});
      return { serial: serialSchema.parse(row.serial), decision };
    });
    if (!done) return;
    if (done.decision === 'announce') await jobs.wake(done.serial);
    if (done.decision !== 'timed-out') return;
    rooms.announce(done.serial);
    await show(id);
  }

  async function sweep(): Promise<void> {
    const due = await store.db
      .selectFrom('jobs')
      .select('id')
      .where('state', 'in', openStates)
      .where('check_at', '<=', world.clock.now())
      .orderBy('check_at')
      .limit(sweepMax)
      .execute();
    for (const { id } of due) await checkTime(id);
  }

  async function forget(): Promise<void> {
    while (!isClosed && (await forgetJobs(world, store))) await world.timers.sleep(sweepMs);
  }

  let isClosed = false;
  const sweeper = periodically(world, sweepMs, 'jobSweepFailed', sweep);
  const forgetter = periodically(world, forgetMs, 'jobsNotForgotten', forget);

  function signedOrder(serial: Serial, row: JobRow, attempt: number): SignedDocument {
    const signed = {
      tenant: rooms.tenant,
      serial,
      job: jobIdSchema.parse(row.id),
      attempt,
      exp: row.deadline_at,
      type: row.type,
      params: JSON.parse(row.params),
    } satisfies Record<keyof JobOrder, unknown>;
    return rooms.sign(JSON.stringify(signed));
  }

  function signedCancellation(serial: Serial, row: JobRow): SignedDocument {
    const { tenant } = rooms;
    const signed: JobCancellation = {
      tenant,
      serial,
      job: jobIdSchema.parse(row.id),
      attempt: row.attempt,
      cancel: true,
    };
    return rooms.sign(JSON.stringify(signed));
  }

  async function takeBack(tx: Transaction<Database>, row: JobRow): Promise<'at-once' | 'asked' | 'nothing'> {
    const decision = decideCancel(row);
    const now = world.clock.now();
    if (decision === 'at-once') await finish(tx, row, 'cancelled', 'JOB_CANCELLED');
    if (decision === 'asked' && row.cancelled_at === null) await put(tx, row, { cancelled_at: now, announced_at: now });
    return decision;
  }

  // The decision and what follows from it are one transaction, by whichever route it is made.
  const decided: OnDecided = async (tx, approval, by) => {
    const row = await tx.selectFrom('jobs').selectAll().where('approval', '=', approval.id).executeTakeFirst();
    if (row?.state !== 'held' || digestOf(row) !== approval.digest) throw new FaultError({ code: 'JOB_OVER' });
    if (approval.state !== 'approved') {
      await finish(tx, row, 'cancelled', 'JOB_CANCELLED');
      return undefined;
    }
    const now = world.clock.now();
    await put(tx, row, { state: 'queued', approved_by: by.subject, changed_at: now, announced_at: now });
    // The terminal is told when the decision is on disk.
    const serial = serialSchema.parse(row.serial);
    world.timers.after(sweepMs, () => {
      if (!isClosed) jobs.wake(serial).catch((cause: unknown) => notTold(cause));
    });
    return undefined;
  };
  for (const kind of ['wipe', 'key'] as const) rooms.approvals.onDecided(kind, decided);

  const notTold = (cause: unknown): void =>
    world.log('error', 'jobNotAnnounced', { fault: { code: 'INTERNAL', cause } });

  /** What could be handed out now, in the order of the rows. */
  const offers = (open: readonly JobRow[], now: number): { readonly row: JobRow; readonly attempt: number }[] =>
    open.flatMap((row) => {
      const attempt = offer(progressOf(row), now);
      return attempt === undefined ? [] : [{ row, attempt }];
    });

  async function hand(tx: Transaction<Database>, row: JobRow, attempt: number): Promise<SignedDocument> {
    await put(tx, row, { state: 'offered', attempt, changed_at: world.clock.now() });
    return signedOrder(serialSchema.parse(row.serial), row, attempt);
  }

  const carriage = openCarriage({
    world,
    store,
    offered: async (tx, serial) => offers(await openRows(tx, serial).execute(), world.clock.now()),
    hand,
    report: (serial, job, report) => jobs.report(serial, job, report),
    isSigned: rooms.isSigned?.bind(rooms),
  });

  const jobs: Jobs = {
    logs: jobLogs(store),
    queueIn: (tx, serial, body, subject, reference) =>
      insert(tx, serial, body, { subject: 'server' }, { subject, ...(reference !== undefined && { reference }) }),
    async queueAgainIn(tx, serial, body, subject, chain) {
      const refusals = (await refusalsOf(tx, [serial], chain))(serial);
      const ordering = { subject, notBefore: refusals.againAt };
      const id = await insert(tx, serial, body, { subject: 'server' }, ordering);
      return id === undefined ? undefined : refusals;
    },
    async unitChanged(tx, serial) {
      for (const row of await openRows(tx, serial).execute()) {
        if (!policyOf(row.type).isForPeople) await finish(tx, row, 'cancelled', 'JOB_CANCELLED');
        else if (decideCancel(row) === 'asked') await finish(tx, row, 'timed-out', 'JOB_UNIT_CHANGED');
      }
    },
    async cancelIn(tx, id) {
      const row = await find(tx, id);
      if (row && isOpen(row.state)) await takeBack(tx, row);
    },
    async openSubjects(on, serial) {
      return new Set((await openRows(on, serial).execute()).map((row) => row.subject));
    },
    async wake(serial) {
      const now = world.clock.now();
      const open = (await openRows(store.db, serial).execute()).map(progressOf);
      const waiting = open.filter((job) => isToBeTakenBack(job) || offer(job, now) !== undefined).length;
      if (waiting > 0) rooms.notify(serial, waiting);
    },
    async next(serial, what = 'job') {
      return await store.write(async (tx) => {
        const now = world.clock.now();
        const open = await openRows(tx, serial).execute();
        const back = open.find((row) => isToBeTakenBack(progressOf(row)));
        if (back) return signedCancellation(serial, back);
        if (what === 'cancellation') return null;
        const [first] = offers(open, now);
        return first ? await hand(tx, first.row, first.attempt) : null;
      });
    },
    ...carriage,
    async report(serial, id, report) {
      const known = await store.write(async (tx) => {
        const row = await find(tx, id);
        if (row?.serial !== serial) return false;
        const now = world.clock.now();
        const chance = (world.entropy(1)[0] ?? 0) / 255;
        const decision = decideReport(progressOf(row), row.type, report, now, chance);
        if (decision.change !== 'nothing' && report.progress) {
          const { step, atMs, detail = null } = report.progress;
          const taken = { at_ms: atMs, detail };
          await tx
            .insertInto('job_steps')
            .values({ job: id, attempt: report.attempt, step, ...taken })
            .onConflict((conflict) => conflict.columns(['job', 'attempt', 'step']).doUpdateSet(taken))
            .execute();
        }
        if (decision.change === 'progress') await put(tx, row, { state: 'running', changed_at: now });
        if (decision.change === 'retry')
          await put(tx, row, {
            state: 'queued',
            fault: report.fault ?? null,
            changed_at: now,
            not_before: decision.notBefore,
          });
        if (decision.change === 'finish') {
          const isGood = decision.state === 'succeeded';
          const refusal = isGood ? await rooms.finished(tx, serial, row, report) : undefined;
          const [state, fault] =
            refusal === undefined ? [decision.state, decision.fault] : (['failed', refusal] as const);
          await finish(tx, row, state, fault, report, decision.isLate);
          // Whatever else was meant for it was meant for a terminal that is no more.
          if (state === 'succeeded' && row.type === 'terminal.wipe')
            for (const other of await openRows(tx, serial).execute())
              await finish(tx, other, 'cancelled', 'JOB_CANCELLED');
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
    job: read,
    list: (selection, page) => listJobs(store.db, selection, page),
    counts: (reference) => countJobs(store.db, reference),
    async start(serial, body, by, ordering = {}) {
      const ordered = await store.write((tx) => order(tx, serial, body, by, ordering));
      if (!ordered.ok) return ordered;
      world.log('info', 'jobQueued', { serial, job: ordered.value, type: body.type, by: by.subject });
      await jobs.wake(serial);
      return await shown(ordered.value);
    },
    async cancel(id, by) {
      const done = await store.write(async (tx) => {
        const row = await find(tx, id);
        return row && { serial: serialSchema.parse(row.serial), decision: await takeBack(tx, row) };
      });
      if (!done) return fail('JOB_UNKNOWN');
      if (done.decision === 'nothing') return fail('JOB_OVER');
      world.log('info', 'jobCancelled', { job: id, how: done.decision, by: by.subject });
      if (done.decision === 'asked') await jobs.wake(done.serial);
      else rooms.announce(done.serial);
      return await shown(id);
    },
    async cancelMany(selection, by, apply, max) {
      const now = await store.write(async (tx) => {
        const rows = await selectJobs(tx, selection)
          .where('state', 'in', openStates)
          .where('cancelled_at', 'is', null)
          .orderBy('created_at', 'desc')
          .orderBy('id', 'desc')
          .limit(max + 1)
          .execute();
        const taken = rows.slice(0, max);
        if (apply) for (const row of taken) await takeBack(tx, row);
        return {
          ids: taken.map(({ id }) => id),
          serials: new Set(taken.map((row) => row.serial)),
          hasMore: rows.length > max,
        };
      });
      if (apply) {
        world.log('info', 'jobsCancelled', { count: now.ids.length, by: by.subject });
        for (const text of now.serials) {
          const serial = serialSchema.parse(text);
          rooms.announce(serial);
          await jobs.wake(serial);
        }
      }
      const rows = await store.db
        .selectFrom('jobs')
        .selectAll()
        .where(among('id', now.ids))
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .execute();
      return { jobs: rows.map((row) => viewOf(row, [])), hasMore: now.hasMore };
    },
    async retry(id, by) {
      const again = await store.write(async (tx) => {
        const row = await find(tx, id);
        if (!row) return fail('JOB_UNKNOWN');
        if (isOpen(row.state)) return fail('JOB_STILL_OPEN');
        // A key block that was handed out once is not handed out again: its key may have been used since.
        if (!policyOf(row.type).isForPeople) return fail('JOB_KIND_NOT_FOR_PEOPLE');
        const body = unwrap(parseWith(jobBody, { type: row.type, params: JSON.parse(row.params) }));
        const ordering = { reference: row.reference ?? undefined, priority: priorityOf(row) };
        const ordered = await order(tx, serialSchema.parse(row.serial), body, by, ordering);
        return ordered.ok ? ok({ id: ordered.value, serial: serialSchema.parse(row.serial) }) : ordered;
      });
      if (!again.ok) return again;
      world.log('info', 'jobRetried', { job: id, as: again.value.id, by: by.subject });
      await jobs.wake(again.value.serial);
      return await shown(again.value.id);
    },
    async approve(id, by) {
      const row = await find(store.db, id);
      if (!row) return fail('JOB_UNKNOWN');
      if (row.state !== 'held') return fail('JOB_OVER');
      const approved = await rooms.approvals.decide(row.approval ?? '', by, 'approved');
      if (!approved.ok) return approved;
      world.log('info', 'jobApproved', { job: id, by: by.subject });
      return await shown(id);
    },
    close() {
      isClosed = true;
      sweeper.cancel();
      forgetter.cancel();
    },
  };

  /** A job that was just changed, for whoever changed it and for onlookers. */
  async function shown(id: string): Promise<Result<Job, never>> {
    const job = await read(id);
    if (!job.ok) throw new FaultError(job.fault);
    live.publish({ name: 'job', data: { ...job.value, document: null } });
    return ok(job.value);
  }

  return jobs;
}

/** What a second person approves: this job, for this terminal, with these parameters. */
const digestOf = ({ id, serial, type, params }: Pick<JobRow, 'id' | 'serial' | 'params'> & { type: string }): string =>
  createHash('sha256')
    .update(JSON.stringify([id, serial, type, params]))
    .digest('hex');

const priorityOf = (row: JobRow): JobPriority => (row.priority === priorities.emergency ? 'emergency' : 'routine');

/** Does something now and then, never twice at a time; a failure is logged. */
function periodically(world: World, periodMs: number, failed: string, work: () => Promise<void>): { cancel(): void } {
  let isBusy = false;
  return world.timers.every(periodMs, () => {
    if (isBusy) return;
    isBusy = true;
    work()
      .catch((cause: unknown) => world.log('error', failed, { fault: { code: 'INTERNAL', cause } }))
      .finally(() => {
        isBusy = false;
      });
  });
}
