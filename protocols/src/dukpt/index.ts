export {
  type AesKeyType,
  type DukptKeyType,
  type DukptKeyUsage,
} from './aes-derivation.ts';
export {
  type AesInitialKey,
  type AesTransactionKey,
  aesInitialKey,
  deriveAesInitialKey,
  deriveAesInitialKeyBy,
  deriveAesTransactionKey,
  deriveAesUpdateKey,
  deriveAesWorkingKey,
  deriveAllAesWorkingKeys,
  dukptKeyUsages,
  isDukptKeyType,
} from './aes-host.ts';
export {
  type AesKsn,
  advanceAesKsn,
  formatAesKsn,
  isUsableAesKsn,
  parseAesKsn,
  parseLegacyKsn,
} from './aes-ksn.ts';
export {
  type AesDukptState,
  initialiseAesTerminal,
  parseAesTerminal,
  serialiseAesTerminal,
  type TakenAesKey,
  takeAesTransactionKey,
} from './aes-terminal.ts';
export { aesCounter, type CounterRule, oneBits, tdesCounter } from './counter.ts';
export type { TdesKeyUsage } from './tdes-derivation.ts';
export {
  deriveTdesInitialKey,
  deriveTdesInitialKeyBy,
  deriveTdesTransactionKey,
  deriveTdesWorkingKey,
  type TdesInitialKey,
  type TdesTransactionKey,
  tdesInitialKey,
  tdesVariantKey,
} from './tdes-host.ts';
export { advanceTdesKsn, formatTdesKsn, isUsableTdesKsn, padShortKsn, parseTdesKsn, type TdesKsn } from './tdes-ksn.ts';
export {
  initialiseTdesTerminal,
  parseTdesTerminal,
  serialiseTdesTerminal,
  type TakenTdesKey,
  type TdesDukptState,
  takeTdesTransactionKey,
} from './tdes-terminal.ts';
export { aesDukptHost, type DukptHost, type DukptHostOptions, type KsnError, tdesDukptHost } from './host.ts';
export {
  type DukptKsn,
  type DukptScheme,
  formatKsn,
  ksnOf,
  parseKsn,
  type TransactionKey,
  wipeTransactionKey,
} from './transaction-key.ts';
