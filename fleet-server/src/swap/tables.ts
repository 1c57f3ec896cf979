import type { SwapStep } from './rules.ts';

/** Tables of swaps. */
export interface SwapTables {
  readonly swaps: {
    id: string;
    old: string;
    fresh: string;
    step: SwapStep;
    reason: string;
    by: string;
    begun_at: number;
    changed_at: number;
    /** 1: the old unit does not answer. */
    is_old_dead: number;
    /** Evidence of the new unit's way into the shop, JSON. */
    evidence: string;
    /** Where the new unit stood before, JSON of a place; to go back to. */
    came_from: string;
    /** The old unit's own floor limit before it was told to approve nothing by itself, JSON; null while it was not, and when it has it back. */
    floor_before: string | null;
  };
}
