export { type Acquirers, openAcquirers } from './acquirers.ts';
export { keyJobEffects } from './job-effects.ts';
export { type Keys, openKeys, type TransactionKeys } from './keys.ts';
export { negativeTagKey } from './tag-rotation.ts';
export { openTagRotations, type TagRotations } from './tag-progress.ts';
export { keepVaultHead, vaultHeadSeen } from './vault-head.ts';
export {
  bindSubject,
  decideSlot,
  eraseSubject,
  type LedgerEntry,
  loadSubject,
  protectionChain,
  receiveSubject,
  releaseSubject,
  type SlotDecision,
} from './rules.ts';
export {
  type Ceremony,
  type Custodian,
  type KeyCeremonies,
  openKeyCeremonies,
  openRecordSigner,
} from './ceremonies.ts';
export { type KeyFinding, openKeyGuard, watchCustody } from './guard.ts';
export { type KeyInventory, openKeyInventory } from './inventory.ts';
export { dailyAlarm, keyedInRuns, mayBeKeyedNow, refusalAlarm } from './in-runs.ts';
export { keyReleases, releaseRecordOf } from './releases.ts';
export { openRenewal } from './renewal.ts';
export { type KeyRuns, openKeyRuns } from './runs.ts';
export { runPdf } from './run-report.ts';
