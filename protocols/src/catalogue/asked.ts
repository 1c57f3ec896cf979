import type { JobBody } from '../fleet/job-kinds.ts';
import { type Ability, abilities } from './abilities.ts';
import type { TerminalModel } from './model.ts';

/** What a kind of payment needs. A charge: some reader of prepaid cards, and every model has one (a gift card's stripe). */
const needs: Readonly<Record<string, Ability>> = { history: 'felica' };

/**
 * Why a job cannot be asked of a model: the ability that it lacks (a name in `abilities`), or the payment kind that its reduced
 * functions leave out. Undefined when it can.
 */
export function lackedForJob(model: TerminalModel, body: JobBody): string | undefined {
  if (body.type !== 'payment.run') return undefined;
  const { kind } = body.params;
  const ability = needs[kind];
  if (ability !== undefined && !abilities[ability].has(model)) return ability;
  return model.reduced.includes(kind) ? kind : undefined;
}
