export { type AflEntry, encodeAfl, parseAfl } from './afl.ts';
export {
  arpcMethod1,
  arpcMethod2,
  type CardKeys,
  type CryptogramCode,
  type CryptogramProfile,
  type CryptogramProfileName,
  cryptogramInput,
  cryptogramProfiles,
  cryptogramVersionOf,
  generateCryptogram,
  type IssuerAnswer,
  issuerAuthenticationData,
  profileFor,
  type ValueOf,
  verifyCryptogram,
  verifyIssuerAuthenticationData,
} from './cryptogram.ts';
export {
  encodeIssuerScript,
  encodeScriptResult,
  type IssuerScript,
  parseIssuerScript,
  type ScriptOutcome,
  scriptBytesMax,
} from './issuer-script.ts';
export {
  commonSessionKey,
  deriveMasterKey,
  deriveSessionKey,
  type MasterKeyOption,
  type SessionKeyMethod,
  tdesCheckValue,
} from './key-derivation.ts';
export { type AidEntry, aids, type CaPublicKey, isScheme, type Scheme, schemeOfAid, schemes } from './schemes.ts';
export { type MacPadding } from './tdes.ts';
export { buildTrack2, hasLuhnDigit, panFromCn, panToCn, parseTrack2, type Track2 } from './track2.ts';
