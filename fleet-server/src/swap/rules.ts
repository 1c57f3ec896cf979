import type { LifecycleState } from '@tsunagu/protocols/fleet';

/**
 * The steps of a swap. Each is one transaction and is found done when it is done again, so that whoever dies between two of them loses nothing.
 *
 * | step | what is true | old sells | new sells |
 * |---|---|---|---|
 * | begun | both are known, nothing was changed | yes | no |
 * | prepared | the new unit has place, children and own parameters of the old | yes, from now on with the centre's word only | no |
 * | drained | the old one said that nothing waits in it, and has sold nothing since | as before | no |
 * | handed | old in `swap`, new `deployed`, in one transaction | no | yes |
 * | closed | the old one said once more, locked, that nothing waits in it | no | yes |
 * | aborted | the new unit is back where it was; not possible after `handed` | yes | no |
 */
export const swapSteps = ['begun', 'prepared', 'drained', 'handed', 'closed', 'aborted'] as const;
/** Those after which nothing comes. */
export const overSteps = ['closed', 'aborted'] as const satisfies readonly SwapStep[];
export type SwapStep = (typeof swapSteps)[number];

/** What a swap looks at before its next step. */
export interface SwapFacts {
  readonly step: SwapStep;
  readonly old: {
    readonly state: LifecycleState;
    /** It may approve sales by itself, as it said last. */
    readonly mayApproveAlone: boolean;
  };
  readonly fresh: {
    readonly state: LifecycleState;
    /** Its own keys are loaded. */
    readonly isKeyed: boolean;
    /** One of its transaction keys is a key of the old unit: copied, not derived. */
    readonly hasCopiedKey: boolean;
  };
  /** The old unit does not answer, and somebody said so: what it owes is declared when it is returned. */
  readonly isOldDead: boolean;
  /** A report of the old unit, ordered for this step: nothing waits in it, and it has sold nothing since. */
  readonly isClear: boolean;
  readonly isReportOpen: boolean;
}

/** What is to be done now; `wait` until the report is there. */
export type SwapAction = 'prepare' | 'hold' | 'order-report' | 'drained' | 'hand' | 'close' | 'wait' | 'none';

/** Why a swap cannot go on by itself; a person has to see to it. */
export type SwapBlock = 'old-state' | 'new-state' | 'new-keys-missing' | 'new-keys-copied';

/** The next step of a swap, or what stands in its way. */
export function decideSwap(facts: SwapFacts): SwapAction | { readonly blocked: SwapBlock } {
  const { step, old, fresh, isOldDead, isClear, isReportOpen } = facts;
  const report = (): SwapAction => (isReportOpen ? 'wait' : 'order-report');
  if (isOver(step)) return 'none';
  if (step === 'handed') return isOldDead || old.state !== 'swap' || isClear ? 'close' : report();
  // Keys are derived for each unit; one that came over from the old is a clone, and nothing is built on it.
  if (fresh.hasCopiedKey) return { blocked: 'new-keys-copied' };
  if (old.state !== 'deployed') return { blocked: 'old-state' };
  if (fresh.state !== 'in-transit') return { blocked: 'new-state' };
  if (!fresh.isKeyed) return { blocked: 'new-keys-missing' };
  if (step === 'begun') return 'prepare';
  // Whoever sells alone is never drained: what it said a moment ago is not what waits in it now.
  if (!isOldDead && old.mayApproveAlone) return 'hold';
  if (step === 'prepared') return isOldDead || isClear ? 'drained' : report();
  // A sale since the report: the old one is drained anew.
  return isOldDead || isClear ? 'hand' : report();
}

/** Whether nothing is left to be done. */
export const isOver = (step: SwapStep): boolean => overSteps.some((over) => over === step);

/** Whether a swap can still be taken back. */
export const mayAbort = (step: SwapStep): boolean => step === 'begun' || step === 'prepared' || step === 'drained';
