export { type Keys, negativeTagKey, openKeys, type TransactionKeys } from './keys.ts';
export { keepVaultHead, vaultHeadSeen } from './vault-head.ts';
export { bindSubject, decideSlot, type LedgerEntry, loadSubject, type SlotDecision } from './rules.ts';
