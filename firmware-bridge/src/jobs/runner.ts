import type { JobBody, JobId, JobReport, JobType, SignedDocument } from '@tsunagu/protocols/fleet';
import type { Fault } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Link } from '../link/index.ts';
import type { JobLedger } from './ledger.ts';
import { type OrderTrust, readOrder } from './order.ts';

/** How a job ended, as its handler says it. */
export type JobOutcome = Omit<JobReport, 'attempt' | 'progress' | 'state'> & {
  readonly state: 'succeeded' | 'failed';
};

/** The terminal is about to restart, and the job goes on after it: it stays begun, and nothing else is begun before. */
export type JobRestarts = 'restarting';

/** What a handler is told. */
export interface JobContext {
  readonly job: JobId;
  readonly attempt: number;
  /** Says live which step was taken; may be lost. */
  readonly progress: (step: string, atMs: number, detail?: string) => void;
}

/** How a kind of job is done. */
export interface JobHandler<Type extends JobType> {
  /**
   * What a power loss in the middle means: `again` for an effect that finds itself done (a key is in its slot, a software runs),
   * `failed` for one that must not happen twice (a sale).
   */
  readonly afterPowerLoss: 'again' | 'failed';
  run(params: Extract<JobBody, { type: Type }>['params'], context: JobContext): Promise<JobOutcome | JobRestarts>;
}
export type JobHandlers = { readonly [Type in JobType]: JobHandler<Type> };

export interface JobRunnerOptions {
  readonly world: World;
  readonly ledger: JobLedger;
  readonly trust: OrderTrust;
  readonly link: Pick<Link, 'isUp' | 'publish' | 'ask'>;
  readonly handlers: JobHandlers;
  /** After an effect: the server learns the terminal's new self. */
  readonly changed: () => void;
}

/** Pulls orders, runs each once, and reports until the server has it. One at a time. */
export interface JobRunner {
  /** There may be work: called at each connection and each notice. Returns at once. */
  wake(): void;
  /** Begins with what a power loss or a restart left behind; orders are pulled after it. Returns at once. */
  recover(): void;
  /** Resolves when nothing runs any more. */
  idle(): Promise<void>;
  stop(): void;
}

/** The most orders of one round; more wait for the next notice. */
const ordersMax = 100;
const againAfterMs = 5_000;

export function jobRunner(options: JobRunnerOptions): JobRunner {
  const { world, ledger, link, trust } = options;
  let running: Promise<void> | undefined;
  let wanted = false;
  let stopped = false;
  /** The terminal is going to restart. */
  let isRestarting = false;
  /** Results that the store did not take; at most one per job that was begun. */
  let unstored: readonly { readonly job: JobId; readonly report: JobReport }[] = [];

  const wake = (): void => {
    wanted = true;
    begin(round);
  };

  /** One thing at a time; what was wished for meanwhile comes after it. */
  function begin(work: () => Promise<void>): void {
    running ??= work().finally(() => {
      running = undefined;
      if (wanted && !stopped && link.isUp) wake();
    });
  }

  /** A round ends when there is nothing more to do or nobody to talk to. */
  async function round(): Promise<void> {
    wanted = false;
    for (let count = 0; count < ordersMax && !stopped && !isRestarting && link.isUp; count++) {
      if (!(await storeAgain()) || !(await reportAll())) return later();
      const answer = await link.ask({ kind: 'pull' }, 'request', { pull: 'job' });
      if (!answer.ok) return later();
      if (answer.value.kind !== 'job') {
        world.log('warn', 'jobPullRefused', { answer: answer.value.kind });
        return;
      }
      if (!answer.value.order || !(await obey(answer.value.order))) return;
    }
  }

  function later(): void {
    if (stopped) return;
    world.timers.after(againAfterMs, () => {
      if (!stopped && link.isUp) wake();
    });
  }

  /** @returns whether the next order may be pulled */
  async function obey(document: SignedDocument): Promise<boolean> {
    const order = readOrder(document, trust, world.clock.now());
    if (!order.ok) {
      world.log('error', 'orderRefused', { fault: order.fault });
      return false;
    }
    const { job, attempt } = order.value.head;
    const known = ledger.find(job, attempt);
    if (known) {
      world.log('info', 'orderKnown', { job, attempt, state: known.state });
      // It was done before: the result is told again, the effect is not made again.
      return known.state !== 'begun' && (await report(job, known.report));
    }
    const { body } = order.value;
    if (!body.ok) {
      world.log('warn', 'orderWithoutEffect', { job, fault: body.fault });
      await finish(job, attempt, { state: 'failed', fault: body.fault.code });
      return true;
    }
    const begun = await ledger.begin(job, attempt, body.value);
    if (!begun.ok) {
      world.log('error', 'jobNotBegun', { job, fault: begun.fault });
      later();
      return false;
    }
    await run(job, attempt, body.value);
    return true;
  }

  async function run(job: JobId, attempt: number, body: JobBody): Promise<void> {
    world.log('info', 'jobBegun', { job, attempt, type: body.type });
    const tell = (report: JobReport): void => {
      void link.publish({ kind: 'job', job }, 'job', report);
    };
    tell({ attempt, state: 'running' });
    const outcome = await outcomeOf(body, {
      job,
      attempt,
      progress: (step, atMs, detail) =>
        tell({ attempt, state: 'running', progress: { step, atMs, ...(detail !== undefined && { detail }) } }),
    });
    if (outcome === 'restarting') {
      world.log('info', 'jobRestarts', { job, attempt });
      isRestarting = true;
      return;
    }
    await finish(job, attempt, outcome);
  }

  async function outcomeOf(body: JobBody, context: JobContext): Promise<JobOutcome | JobRestarts> {
    switch (body.type) {
      case 'key.load':
        return options.handlers['key.load'].run(body.params, context);
      case 'sale.test':
        return options.handlers['sale.test'].run(body.params, context);
      case 'payment.run':
        return options.handlers['payment.run'].run(body.params, context);
      case 'payment.totals':
        return options.handlers['payment.totals'].run(body.params, context);
      case 'slip.print':
        return options.handlers['slip.print'].run(body.params, context);
      case 'trace.show':
        return options.handlers['trace.show'].run(body.params, context);
      case 'software.install':
        return options.handlers['software.install'].run(body.params, context);
    }
  }

  async function finish(job: JobId, attempt: number, outcome: JobOutcome): Promise<void> {
    world.log('info', 'jobFinished', { job, attempt, state: outcome.state, code: outcome.fault });
    const report = { attempt, ...outcome };
    const stored = await ledger.finish(job, attempt, report);
    if (!stored.ok) {
      world.log('error', 'jobResultNotStored', { job, fault: stored.fault });
      unstored = [...unstored, { job, report }];
    }
    options.changed();
  }

  /** @returns whether every result is on disk */
  async function storeAgain(): Promise<boolean> {
    const waiting = unstored;
    unstored = [];
    for (const { job, report } of waiting)
      if (!(await ledger.finish(job, report.attempt, report)).ok) unstored = [...unstored, { job, report }];
    return unstored.length === 0;
  }

  /** @returns whether everything is told */
  async function reportAll(): Promise<boolean> {
    for (const entry of ledger.entries('finished'))
      if (entry.state === 'finished' && !(await report(entry.job, entry.report))) return false;
    return true;
  }

  async function report(job: JobId, told: JobReport): Promise<boolean> {
    const answer = await link.ask({ kind: 'job', job }, 'job', told);
    if (!answer.ok) return false;
    // Understood and refused is final as well: the server has closed the job without us.
    if (answer.value.kind === 'refused') world.log('warn', 'jobReportRefused', { job, code: answer.value.code });
    const stored = await ledger.acknowledge(job, told.attempt);
    if (!stored.ok) world.log('error', 'jobResultNotStored', { job, fault: stored.fault });
    return true;
  }

  return {
    wake,
    async idle() {
      while (running) await running;
    },
    stop() {
      stopped = true;
    },
    recover: () => begin(recover),
  };

  async function recover(): Promise<void> {
    for (const entry of ledger.entries('begun')) {
      if (entry.state !== 'begun') continue;
      const { job, attempt, body } = entry;
      if (options.handlers[body.type].afterPowerLoss === 'again') await run(job, attempt, body);
      else await finish(job, attempt, { state: 'failed', fault: 'JOB_INTERRUPTED' });
      if (isRestarting) return;
      // The link may have come up meanwhile, with nothing to tell.
      wanted = true;
    }
  }
}

/** A job that failed, by the code of its fault. */
export const failedBy = (fault: Fault): JobOutcome => ({ state: 'failed', fault: fault.code });
