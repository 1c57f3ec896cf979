import type { Hello, KeySlot } from '@tsunagu/protocols/fleet';

/** The newest ledger entry of a slot that is not replaced. */
export interface LedgerEntry {
  readonly id: string;
  readonly kcv: string;
  readonly state: 'allocated' | 'loaded';
  readonly protectedBy: string;
}

/** What is to be done about one slot after a hello. */
export type SlotDecision = 'nothing' | 'mark-loaded' | 'allocate';

/**
 * Decides what one slot of a terminal needs.
 *
 * A key that the terminal shows by its check value is loaded, whether or not its report arrived. A slot that is empty or holds
 * another key needs a new one: the old initial key is never sent twice once it may have been used, because a terminal that
 * starts it again counts from zero and would use transaction keys twice (X9.24-3:2017, 6.5). While a load is under way
 * nothing is decided. At the bench of a run a key below a suspect one is replaced: it is none that the run could count.
 */
export function decideSlot(
  entry: LedgerEntry | undefined,
  reported: Hello['keys'][number] | undefined,
  isLoadOpen: boolean,
  isSuspectInRun = false,
): SlotDecision {
  if (entry && reported?.kcv === entry.kcv && !isSuspectInRun)
    return entry.state === 'loaded' ? 'nothing' : 'mark-loaded';
  return isLoadOpen ? 'nothing' : 'allocate';
}

/** What a binding is told apart by among a terminal’s open jobs. */
export const bindSubject = 'key.protection';
/** What the key that follows upon a binding is told apart by: it is ordered while the binding is not over yet. */
export const receiveSubject = 'key.protection/receive';
/** The host's word that ends a binding or moves it. */
export const releaseSubject = 'key.release';
/** What is told apart among a terminal's open jobs. */
export const loadSubject = (slot: KeySlot): string => `key.load/${slot}`;
/** What emptying a slot is told apart by. */
export const eraseSubject = (slot: KeySlot): string => `key.erase/${slot}`;
/** The steps that end with a protection key in a terminal. */
export const protectionChain = [bindSubject, receiveSubject] as const;
