import type { Acquirer } from '../secure/index.ts';
import type { AcquirerStanding } from './ports.ts';

/**
 * A line to the switch that minds whether it lets this terminal in: a refusal of the terminal closes, an answer opens again; a line that is
 * down or silent says nothing about it. What the exchange came to is told after it is kept.
 *
 * @param letIn the switch answers again
 */
export const mindStanding = (acquirer: Acquirer, standing: AcquirerStanding, letIn: () => void): Acquirer => ({
  async exchange(message, options) {
    const answer = await acquirer.exchange(message, options);
    if (!answer.ok && answer.fault.code === 'ACQUIRER_REFUSES_TERMINAL') await standing.keep(true);
    else if (answer.ok && standing.isTurnedAway) {
      await standing.keep(false);
      letIn();
    }
    return answer;
  },
});
