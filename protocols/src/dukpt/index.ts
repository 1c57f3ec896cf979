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
