export { openFileVault, openPkcs11Vault } from './open-vault.ts';
export { findPassphrase, findPin } from './passphrase.ts';
export {
  type AcquirerUse,
  baseUses,
  type CeremonyUse,
  ceremonyUses,
  type DukptWorkingKeys,
  type KeyFacts,
  type KeyUse,
  keyUses,
  type SigningUse,
  type SymmetricUse,
  type Vault,
  type WrappedKey,
} from './port.ts';
export type { VaultHead } from './port.ts';
export { openVault } from './vault.ts';
