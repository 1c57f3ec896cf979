export { openFileVault } from './file-vault.ts';
export { findPassphrase } from './passphrase.ts';
export {
  type DukptWorkingKeys,
  type KeyFacts,
  type KeyUse,
  keyUses,
  type SigningUse,
  type SymmetricUse,
  type Vault,
  type WrappedKey,
} from './port.ts';
