import type { TerminalKeys } from '../keys/index.ts';
import type { CardSide } from '../payment/index.ts';
import { failedBy, type JobHandlers } from './runner.ts';

/** What jobs act upon. */
export interface JobTargets {
  readonly keys: TerminalKeys;
  /** Makes a payment when no other is in hand. */
  readonly pay: CardSide['run'];
  readonly totals: CardSide['totals'];
  readonly print: CardSide['print'];
}

/** The terminal's handlers: a new kind of job is a new entry here and in `protocols/fleet/job`. */
export const jobHandlers = ({ keys, pay, totals, print }: JobTargets): JobHandlers => ({
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
});
