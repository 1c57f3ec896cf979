import {
  type JobBody,
  type JobId,
  type JobParams,
  type JobReport,
  type JobType,
  policyOf,
  type SignedDocument,
} from '@tsunagu/protocols/fleet';
import type { Fault, Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import type { Link } from '../link/index.ts';
import type { JobLedger } from './ledger.ts';
import { type Order, type OrderTrust, readOrder } from './order.ts';

/** How a job ended, as its handler says it. `cancelled`: taken back in time, without an effect. */
export type JobOutcome = Omit<JobReport, 'attempt' | 'progress' | 'state'> & {
  readonly state: 'succeeded' | 'failed' | 'cancelled';
};

/** The terminal is about to restart, and the job goes on after it: it stays begun, and nothing else is begun before. */
export type JobRestarts = 'restarting';

/** What a handler is told. */
export interface JobContext {
  readonly job: JobId;
  readonly attempt: number;
  /** The boot that began the attempt: another one than this means that it goes on after a power loss or a restart. */
  readonly begunIn: number;
  /** Aborted when the server takes the job back. A handler that has had no effect yet then ends with `cancelled`. */
  readonly takenBack: AbortSignal;
  /** Says live which step was taken; may be lost. */
  readonly progress: (step: string, atMs: number, detail?: string) => void;
}

/** Does one kind of job. */
export type JobHandler<Type extends JobType> = (
  params: JobParams[Type],
  context: JobContext,
) => Promise<JobOutcome | JobRestarts>;
/** One for every entry of the table of kinds. */
export type JobHandlers = { readonly [Type in JobType]: JobHandler<Type> };

export interface JobRunnerOptions {
  readonly world: World;
  /** The boot sequence. */
  readonly boot: number;
  readonly ledger: JobLedger;
  readonly trust: OrderTrust;
  readonly link: Pick<Link, 'isUp' | 'publish' | 'ask'>;
  readonly handlers: JobHandlers;
  /** Runs something while no payment is in hand. */
  readonly whenIdle: <T>(work: () => Promise<T>) => Promise<T>;
  /** After an effect: the server learns the terminal's new self. */
  readonly changed: () => void;
  /** The server has a result: what follows from that is on the medium before the result is forgotten. */
  readonly told?: (report: JobReport) => Promise<Result<void>>;
}

/** Pulls orders, runs each once, and reports until the server has it. One at a time. */
export interface JobRunner {
  /** There may be work: called at each connection and each notice. Returns at once. */
  wake(): void;
  /**
   * Does what somebody carried here, without a line to the server, after what is in hand.
   * @returns what came of it, and of what was done before; `restarting`: to be done once more, after the boot
   */
  carry(
    orders: readonly SignedDocument[],
  ): Promise<readonly { readonly job: JobId; readonly report: JobReport }[] | JobRestarts>;
  /** Begins with what a power loss or a restart left behind; orders are pulled after it. Returns at once. */
  recover(): void;
  /** Resolves when nothing runs any more. */
  idle(): Promise<void>;
  stop(): void;
}

/** The most orders of one round; more wait for the next notice. */
const ordersMax = 100;
const againAfterMs = 5_000;

type Attempt = Pick<Order['head'], 'job' | 'attempt' | 'exp'>;

export function jobRunner(options: JobRunnerOptions): JobRunner {
  const { world, ledger, link, trust } = options;
  let running: Promise<void> | undefined;
  let wanted = false;
  let stopped = false;
  /** The terminal is going to restart. */
  let isRestarting = false;
  /** What runs now, and how it learns that it is taken back. */
  let current: (Attempt & { readonly takenBack: AbortController }) | undefined;
  let isAsking = false;
  /** Results that the store did not take; at most one per job that was begun. */
  let unstored: readonly { readonly order: Attempt; readonly report: JobReport }[] = [];

  const wake = (): void => {
    wanted = true;
    if (current) void askWhetherTakenBack();
    begin(round);
  };

  /** One thing at a time; what was wished for meanwhile comes after it. */
  function begin(work: () => Promise<void>): void {
    running ??= work().finally(() => {
      running = undefined;
      if (wanted && !stopped && link.isUp) wake();
    });
  }

  async function idle(): Promise<void> {
    while (running) await running;
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
      if (!answer.value.order) {
        const settled = await ledger.settle();
        if (!settled.ok) world.log('error', 'ledgerNotSettled', { fault: settled.fault });
        return;
      }
      if (!(await obey(answer.value.order))) return;
    }
  }

  function later(): void {
    if (stopped) return;
    world.timers.after(againAfterMs, () => {
      if (!stopped && link.isUp) wake();
    });
  }

  /** A job runs, and there is a notice: it may be that the server takes it back. */
  async function askWhetherTakenBack(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    const answer = await link.ask({ kind: 'pull' }, 'request', { pull: 'cancellation' });
    isAsking = false;
    if (!answer.ok || answer.value.kind !== 'job' || !answer.value.order) return;
    const order = readOrder(answer.value.order, trust, world.clock.now());
    if (!order.ok || !order.value.body.ok || order.value.body.value !== 'cancelled') return;
    const { job, attempt } = order.value.head;
    // One that does not run is answered in the next round.
    if (current?.job === job && current.attempt === attempt) current.takenBack.abort();
  }

  /** @returns whether the next order may be pulled */
  async function obey(document: SignedDocument): Promise<boolean> {
    const order = readOrder(document, trust, world.clock.now());
    if (!order.ok) {
      world.log('error', 'orderRefused', { fault: order.fault });
      return false;
    }
    const { head, body } = order.value;
    const { job, attempt } = head;
    const known = ledger.find(job, attempt);
    if (known) {
      world.log('info', 'orderKnown', { job, attempt, state: known === 'seen' ? known : known.state });
      // It was done before: the result is told again, the effect is not made again.
      return known !== 'seen' && known.state !== 'begun' && (await report(job, known.report));
    }
    if (!body.ok) {
      world.log('warn', 'orderWithoutEffect', { job, fault: body.fault });
      await finish(head, { state: 'failed', fault: body.fault.code });
      return true;
    }
    if (body.value === 'cancelled') {
      // On the medium: the order itself may still be on its way.
      await finish(head, { state: 'cancelled' });
      return true;
    }
    if (ledger.isDoubtful && policyOf(body.value.type).afterPowerLoss === 'failed') {
      world.log('warn', 'orderDoubtful', { job, attempt, type: body.value.type });
      await finish(head, { state: 'failed', fault: 'JOB_INTERRUPTED' });
      return true;
    }
    const begun = await ledger.begin(head, body.value, options.boot);
    if (!begun.ok) {
      world.log('error', 'jobNotBegun', { job, fault: begun.fault });
      later();
      return false;
    }
    await run(head, body.value, options.boot);
    return true;
  }

  async function run(order: Attempt, body: JobBody, begunIn: number): Promise<void> {
    const { job, attempt } = order;
    const { needsIdle, mayRestart } = policyOf(body.type);
    world.log('info', 'jobBegun', { job, attempt, type: body.type });
    const tell = (report: JobReport): void => {
      void link.publish({ kind: 'job', job }, 'job', report);
    };
    tell({ attempt, state: 'running' });
    const takenBack = new AbortController();
    current = { ...order, takenBack };
    const context: JobContext = {
      job,
      attempt,
      begunIn,
      takenBack: takenBack.signal,
      progress: (step, atMs, detail) =>
        tell({ attempt, state: 'running', progress: { step, atMs, ...(detail !== undefined && { detail }) } }),
    };
    const work = (): Promise<JobOutcome | JobRestarts> => handle(options.handlers, body, context);
    const outcome = await (needsIdle ? options.whenIdle(work) : work());
    current = undefined;
    if (outcome === 'restarting') {
      if (!mayRestart) throw new Error(`a job of kind ${body.type} may not restart the terminal`);
      world.log('info', 'jobRestarts', { job, attempt });
      isRestarting = true;
      return;
    }
    await finish(order, outcome);
  }

  async function finish(order: Attempt, outcome: JobOutcome): Promise<void> {
    const { job, attempt } = order;
    world.log('info', 'jobFinished', { job, attempt, state: outcome.state, code: outcome.fault });
    const report = { attempt, ...outcome };
    const stored = await ledger.finish(order, report);
    if (!stored.ok) {
      world.log('error', 'jobResultNotStored', { job, fault: stored.fault });
      unstored = [...unstored, { order, report }];
    }
    options.changed();
  }

  /** @returns whether every result is on disk */
  async function storeAgain(): Promise<boolean> {
    const waiting = unstored;
    unstored = [];
    for (const { order, report } of waiting)
      if (!(await ledger.finish(order, report)).ok) unstored = [...unstored, { order, report }];
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
    const followed = await options.told?.(told);
    const stored = followed?.ok === false ? followed : await ledger.acknowledge(job, told.attempt);
    if (!stored.ok) world.log('error', 'jobResultNotStored', { job, fault: stored.fault });
    return followed?.ok !== false;
  }

  return {
    wake,
    idle,
    async carry(orders) {
      await idle();
      begin(async () => {
        for (const document of orders) if (!stopped && !isRestarting) await obey(document);
      });
      await idle();
      if (isRestarting) return 'restarting';
      return orders.flatMap((document) => {
        const order = readOrder(document, trust, world.clock.now());
        if (!order.ok) return [];
        const { job, attempt } = order.value.head;
        const known = ledger.find(job, attempt);
        return known === undefined || known === 'seen' || known.state === 'begun'
          ? []
          : [{ job, report: known.report }];
      });
    },
    stop() {
      stopped = true;
    },
    recover: () => begin(recover),
  };

  async function recover(): Promise<void> {
    for (const entry of ledger.entries('begun')) {
      if (entry.state !== 'begun') continue;
      if (policyOf(entry.body.type).afterPowerLoss === 'again') await run(entry, entry.body, entry.boot);
      else await finish(entry, { state: 'failed', fault: 'JOB_INTERRUPTED' });
      if (isRestarting) return;
      // The link may have come up meanwhile, with nothing to tell.
      wanted = true;
    }
  }
}

const handle = <Type extends JobType>(
  handlers: JobHandlers,
  body: JobBody<Type>,
  context: JobContext,
): Promise<JobOutcome | JobRestarts> => handlers[body.type](body.params, context);

/** A job that failed, by the code of its fault. */
export const failedBy = (fault: Fault): JobOutcome => ({ state: 'failed', fault: fault.code });
