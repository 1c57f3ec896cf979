import type { KeyObject } from 'node:crypto';
import {
  isTagSlot,
  type JobId,
  type JobResult,
  type PulledLog,
  type RenewedCertificate,
  type SoftwareInstall,
  type WipeProof,
} from '@tsunagu/protocols/fleet';
import type { ErrorCode } from '@tsunagu/protocols/errors';
import { fail, type Result } from '@tsunagu/protocols/kit';
import type { TerminalKeys } from '../keys/index.ts';
import type { TerminalNegativeFile } from '../negative/index.ts';
import type { CardSide } from '../payment/index.ts';
import type { InstallStep, Software, SoftwareFault } from '../software/index.ts';
import type { Twin } from '../twin/index.ts';
import { failedBy, type JobContext, type JobHandlers, type JobOutcome } from './runner.ts';

/** What jobs act upon. */
export interface JobTargets {
  readonly boot: number;
  readonly keys: Pick<TerminalKeys, 'load' | 'erase' | 'bind' | 'receive' | 'drawForRelease' | 'release'>;
  /** Signs what the terminal swears to. */
  readonly identityKey: () => KeyObject;
  /** Sales, reversals and advices that could not be sent without keys. */
  readonly undelivered: () => Promise<number>;
  /** Makes a payment when no other is in hand. */
  readonly pay: CardSide['run'];
  readonly totals: CardSide['totals'];
  readonly lastTotals: CardSide['lastTotals'];
  readonly print: CardSide['print'];
  readonly traceOf: CardSide['traceOf'];
  readonly software: Pick<Software, 'running'>;
  /** Stages or finishes an image (`Software.install`). */
  readonly install: (
    wanted: SoftwareInstall,
    order: { readonly job: JobId; readonly attempt: number },
    onPiece: (done: number, of: number) => void,
    takenBack: AbortSignal,
  ) => Promise<Result<InstallStep, SoftwareFault>>;
  readonly twin: Pick<Twin, 'applyNow'>;
  /** Gets the next certificate. */
  readonly renew: (order: {
    readonly job: JobId;
    readonly attempt: number;
  }) => Promise<Result<RenewedCertificate, ErrorCode>>;
  readonly negative: Pick<TerminalNegativeFile, 'fetchNow' | 'needsKey' | 'wake'>;
  readonly wipe: (order: {
    readonly job: JobId;
    readonly attempt: number;
  }) => Promise<Result<WipeProof | 'restarting', ErrorCode>>;
  readonly diagnose: () => Promise<NonNullable<JobResult['diagnostics']>>;
  readonly selfTest: () => Promise<NonNullable<JobResult['selfTest']>>;
  readonly uploadLog: (job: JobId, linesMax: number, takenBack: AbortSignal) => Promise<Result<PulledLog, ErrorCode>>;
  /** Restarts the terminal when no sale is in hand. */
  readonly restart: () => void;
}

/** A payment that was declined is a job that succeeded: the terminal did what it should. */
async function paid(sale: ReturnType<CardSide['run']>): Promise<JobOutcome> {
  const made = await sale;
  return made.outcome === 'failed'
    ? { state: 'failed', sale: made, fault: made.reason ?? 'JOB_INTERRUPTED' }
    : { state: 'succeeded', sale: made };
}

/** Taken back before it had an effect: what failed because of that is no failure. */
const unlessTakenBack = ({ takenBack }: JobContext, outcome: JobOutcome): JobOutcome =>
  takenBack.aborted && outcome.state === 'failed' ? { state: 'cancelled' } : outcome;

/** The terminal's handlers: one for each entry of `protocols/fleet/job-kinds`. */
export const jobHandlers = (targets: JobTargets): JobHandlers => ({
  // The slot names the order that filled it.
  async 'key.load'(params, { job, attempt }) {
    const loaded = await targets.keys.load(params, { job, attempt });
    // A list may have waited for it.
    if (loaded.ok && isTagSlot(params.slot)) targets.negative.wake();
    return loaded.ok ? { state: 'succeeded', evidence: loaded.value } : failedBy(loaded.fault);
  },
  // Done again it finds the slot empty.
  async 'key.erase'(params) {
    if (targets.negative.needsKey(params.kcv)) return failedBy(fail('KEY_STILL_NEEDED', { field: params.slot }).fault);
    const erased = await targets.keys.erase(params);
    return erased.ok ? { state: 'succeeded', erased: params } : failedBy(erased.fault);
  },
  // Made again it draws another random number, and the answer that is told is the one that counts.
  async 'key.bind'(params, { job }) {
    const bound = await targets.keys.bind(params, job, targets.identityKey);
    return bound.ok ? { state: 'succeeded', binding: bound.value } : failedBy(bound.fault);
  },
  async 'key.receive'(params, { job }) {
    const received = await targets.keys.receive(params, job);
    return received.ok ? { state: 'succeeded', protection: received.value } : failedBy(received.fault);
  },
  async 'key.unbind'(_, { job }) {
    const owed = await targets.undelivered();
    if (owed > 0) return { state: 'failed', fault: 'SALES_UNDELIVERED' };
    const drawn = await targets.keys.drawForRelease(job, targets.identityKey);
    return drawn.ok ? { state: 'succeeded', binding: drawn.value } : failedBy(drawn.fault);
  },
  async 'key.rebind'(_, { job }) {
    const drawn = await targets.keys.drawForRelease(job, targets.identityKey);
    return drawn.ok ? { state: 'succeeded', binding: drawn.value } : failedBy(drawn.fault);
  },
  async 'key.release'(params, { job }) {
    const released = await targets.keys.release(params, job, targets);
    return released.ok ? { state: 'succeeded', release: released.value } : failedBy(released.fault);
  },
  'sale.test': (params, { progress }) => paid(targets.pay({ kind: 'sale', ...params }, progress)),
  'payment.run': (params, { progress }) => paid(targets.pay(params, progress)),
  async 'payment.totals'({ close, last }) {
    const shown = last ? targets.lastTotals() : await targets.totals(close);
    return shown.ok ? { state: 'succeeded', totals: shown.value } : failedBy(shown.fault);
  },
  async 'slip.print'(params) {
    const printed = await targets.print(params);
    return printed.ok ? { state: 'succeeded', document: printed.value } : failedBy(printed.fault);
  },
  'trace.show'(params) {
    const trace = targets.traceOf(params);
    return Promise.resolve(trace.ok ? { state: 'succeeded', document: trace.value } : failedBy(trace.fault));
  },
  // The slots know how far it is.
  async 'software.install'(params, context) {
    const { job, attempt, progress, takenBack } = context;
    const onPiece = (done: number, of: number): void => progress('software-fetched', 0, `${done}/${of}`);
    const installed = await targets.install(params, { job, attempt }, onPiece, takenBack);
    if (!installed.ok) return unlessTakenBack(context, failedBy(installed.fault));
    if (installed.value === 'installed') return { state: 'succeeded', software: targets.software.running };
    targets.restart();
    return 'restarting';
  },
  async 'configuration.apply'() {
    const { drift, ...configuration } = await targets.twin.applyNow();
    return drift === undefined ? { state: 'succeeded', configuration } : { state: 'failed', fault: drift };
  },
  // The identity names the order that brought it.
  async 'certificate.renew'(_, { job, attempt }) {
    const renewed = await targets.renew({ job, attempt });
    return renewed.ok ? { state: 'succeeded', certificate: renewed.value } : failedBy(renewed.fault);
  },
  async 'negative.fetch'() {
    const fetched = await targets.negative.fetchNow();
    return fetched.ok ? { state: 'succeeded', negative: fetched.value } : failedBy(fetched.fault);
  },
  async 'terminal.wipe'(_, { job, attempt }) {
    const wiped = await targets.wipe({ job, attempt });
    if (!wiped.ok) return failedBy(wiped.fault);
    if (wiped.value !== 'restarting') return { state: 'succeeded', wipe: wiped.value };
    targets.restart();
    return 'restarting';
  },
  async 'terminal.diagnose'() {
    return { state: 'succeeded', diagnostics: await targets.diagnose() };
  },
  async 'terminal.test'() {
    return { state: 'succeeded', selfTest: await targets.selfTest() };
  },
  async 'log.pull'({ linesMax }, context) {
    const uploaded = await targets.uploadLog(context.job, linesMax, context.takenBack);
    return uploaded.ok
      ? { state: 'succeeded', log: uploaded.value }
      : unlessTakenBack(context, failedBy(uploaded.fault));
  },
  // Another boot than the one that began it: it has happened.
  async 'terminal.reboot'(_, { begunIn, takenBack }) {
    if (begunIn !== targets.boot) return { state: 'succeeded', boot: targets.boot };
    if (takenBack.aborted) return { state: 'cancelled' };
    targets.restart();
    return 'restarting';
  },
});
