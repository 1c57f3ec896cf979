export { type Keys, negativeTagKey, openKeys, type TransactionKeys } from './keys.ts';
export { decideSlot, type LedgerEntry, loadSubject, type SlotDecision } from './rules.ts';
