import type { TerminalKeys } from '../keys/index.ts';
import type { CardSide } from '../payment/index.ts';
import { failedBy, type JobHandlers } from './runner.ts';

/** What jobs act upon. */
export interface JobTargets {
  readonly keys: TerminalKeys;
  /** Makes a sale when no other is in hand. */
  readonly sell: CardSide['sell'];
}

/** The terminal's handlers: a new kind of job is a new entry here and in `protocols/fleet/job`. */
export const jobHandlers = ({ keys, sell }: JobTargets): JobHandlers => ({
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
      const sale = await sell(params, progress);
      // A sale that was declined is a test that succeeded: the terminal did what it should.
      return sale.outcome === 'failed'
        ? { state: 'failed', sale, fault: sale.reason ?? 'JOB_INTERRUPTED' }
        : { state: 'succeeded', sale };
    },
  },
});
