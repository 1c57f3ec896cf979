import type { PinHabit } from './pin-habit.ts';

/** What an emulated cardholder does when the terminal asks. */
export interface HolderHabits {
  /** At the PIN pad. Default: types the right PIN. */
  readonly pin?: PinHabit | undefined;
  /** Label of the application that is chosen or agreed to. Default: the first, and yes. */
  readonly application?: string | undefined;
  /** Where the own currency is offered. Default: nothing is chosen, which is yen. */
  readonly dcc?: 'accept' | 'decline' | undefined;
}

/** Which of the applications on the screen the cardholder takes; undefined when the one that is wanted is not there. */
export function choose({ application }: HolderHabits, labels: readonly string[]): number | undefined {
  if (application === undefined) return labels.length > 0 ? 0 : undefined;
  const wanted = application.trim().toUpperCase();
  const index = labels.findIndex((label) => label.trim().toUpperCase() === wanted);
  return index < 0 ? undefined : index;
}
