export { type RoleSigner, type SigningRole, signingRoles } from './key-file.ts';
export { type Keyring, openKeyring } from './keyring.ts';
export { targetFor } from './metadata.ts';
export {
  type Draft,
  draftFirst,
  draftRoot,
  draftTargets,
  type InitOptions,
  readPublished,
  type Rotation,
} from './repository.ts';
