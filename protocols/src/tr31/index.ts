export {
  formatHeader,
  type HeaderError,
  type KeyAttributes,
  type KeyBlockHeader,
  type OptionalBlock,
  type ReadHeader,
  readHeader,
} from './header.ts';
export {
  type UnwrapError,
  type UnwrapOptions,
  type UnwrappedKey,
  unwrapKeyBlock,
  unwrapWith,
  type WrapError,
  type WrapRequest,
  wrapExactly,
  checkExport,
  wrapKeyBlock,
  wrapKeyBlockWith,
} from './key-block.ts';
export { type BlockKeys, deriveBlockKeys, type Protection, protectionBy, protectionOf } from './protection.ts';
export { attributesOfKey } from './provenance.ts';
export { checkAttributes, isKbpkStrongEnough } from './rules.ts';
export {
  algorithms,
  type Exportability,
  exportabilities,
  isVersionId,
  type KeyAlgorithm,
  type KeyUsage,
  keyUsages,
  type ModeOfUse,
  modesOfUse,
  optionalBlockIds,
  type VersionId,
  versions,
} from './tables.ts';
