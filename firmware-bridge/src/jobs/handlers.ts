import type { JobId, SoftwareInstall } from '@tsunagu/protocols/fleet';
import type { Result } from '@tsunagu/protocols/kit';
import type { TerminalKeys } from '../keys/index.ts';
import type { CardSide } from '../payment/index.ts';
import type { InstallStep, Software, SoftwareFault } from '../software/index.ts';
import { failedBy, type JobHandlers } from './runner.ts';

/** What jobs act upon. */
export interface JobTargets {
  readonly keys: Pick<TerminalKeys, 'load'>;
  /** Makes a payment when no other is in hand. */
  readonly pay: CardSide['run'];
  readonly totals: CardSide['totals'];
  readonly print: CardSide['print'];
  readonly traceOf: CardSide['traceOf'];
  readonly software: Pick<Software, 'running'>;
  /** Stages or finishes an image (`Software.install`). */
  readonly install: (
    wanted: SoftwareInstall,
    order: { readonly job: JobId; readonly attempt: number },
    onPiece: (done: number, of: number) => void,
  ) => Promise<Result<InstallStep, SoftwareFault>>;
  /** Restarts the terminal when no sale is in hand. */
  readonly restart: () => void;
}

/** The terminal's handlers: a new kind of job is a new entry here and in `protocols/fleet/job`. */
export const jobHandlers = ({
  keys,
  pay,
  totals,
  print,
  traceOf,
  software,
  install,
  restart,
}: JobTargets): JobHandlers => ({
  'key.load': {
    // The slot names the order that filled it.
    afterPowerLoss: 'again',
    async run(params, { job, attempt }) {
      const loaded = await keys.load(params, { job, attempt });
      return loaded.ok ? { state: 'succeeded', evidence: loaded.value } : failedBy(loaded.fault);
    },
  },
  'sale.test': {
    // The reversal queue undoes what was in hand; a second sale would be a second payment.
    afterPowerLoss: 'failed',
    async run(params, { progress }) {
      const sale = await pay({ kind: 'sale', ...params }, progress);
      // A sale that was declined is a test that succeeded: the terminal did what it should.
      return sale.outcome === 'failed'
        ? { state: 'failed', sale, fault: sale.reason ?? 'JOB_INTERRUPTED' }
        : { state: 'succeeded', sale };
    },
  },
  'payment.run': {
    // What is due is undone or forwarded from the terminal's own stores; a second payment would be one too many.
    afterPowerLoss: 'failed',
    async run(params, { progress }) {
      const sale = await pay(params, progress);
      return sale.outcome === 'failed'
        ? { state: 'failed', sale, fault: sale.reason ?? 'JOB_INTERRUPTED' }
        : { state: 'succeeded', sale };
    },
  },
  'payment.totals': {
    // A day that was closed stays closed: a second close would end the next one.
    afterPowerLoss: 'failed',
    async run({ close }) {
      const shown = await totals(close);
      return shown.ok ? { state: 'succeeded', totals: shown.value } : failedBy(shown.fault);
    },
  },
  'slip.print': {
    afterPowerLoss: 'again',
    async run(params) {
      const printed = await print(params);
      return printed.ok ? { state: 'succeeded', document: printed.value } : failedBy(printed.fault);
    },
  },
  'trace.show': {
    afterPowerLoss: 'again',
    run(params) {
      const trace = traceOf(params);
      return Promise.resolve(trace.ok ? { state: 'succeeded', document: trace.value } : failedBy(trace.fault));
    },
  },
  'software.install': {
    // The slots know how far it is.
    afterPowerLoss: 'again',
    async run(params, { job, attempt, progress }) {
      const installed = await install(params, { job, attempt }, (done, of) =>
        progress('software-fetched', 0, `${done}/${of}`),
      );
      if (!installed.ok) return failedBy(installed.fault);
      if (installed.value === 'installed') return { state: 'succeeded', software: software.running };
      restart();
      return 'restarting';
    },
  },
});
