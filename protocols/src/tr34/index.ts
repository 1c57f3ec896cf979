export {
  acceptRebindToken,
  acceptUnbindToken,
  type Binding,
  type BindingAuthority,
  type BindingSigner,
  type BindingTokenError,
  type BindingTokenRequest,
  writeRebindToken,
  writeUnbindToken,
} from './binding-token.ts';
export {
  type Certificate,
  checkCertificate,
  type KeyUsageBit,
  parseCertificate,
  type TrustedBranch,
} from './certificate.ts';
export { acceptCredentialToken, type CredentialError, writeCredentialToken } from './credential-token.ts';
export {
  acceptKeyToken,
  type Freshness,
  type KeyReceiver,
  type KeyTokenError,
  type KeyTokenRequest,
  type ReceivedKey,
  writeKeyToken,
} from './key-token.ts';
export { readRandomToken, writeRandomToken } from './random-token.ts';
export type { RsaSigner } from './signed-data.ts';
export { branchOf, type Tr34Role, type Tr34Trust } from './trust.ts';
