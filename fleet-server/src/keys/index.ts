export { type Keys, negativeTagKey, openKeys, type TransactionKeys } from './keys.ts';
export { keepVaultHead, vaultHeadSeen } from './vault-head.ts';
export { decideSlot, type LedgerEntry, loadSubject, type SlotDecision } from './rules.ts';
