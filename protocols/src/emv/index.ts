export { type AflEntry, encodeAfl, parseAfl } from './afl.ts';
export {
  type BitMeaning,
  type BitTableName,
  bitTables,
  hasBit,
  meaningsOf,
  withBit,
} from './bit-tables.ts';
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
  type CaKeyEntry,
  CaKeyTable,
  caKeysPerSchemeMax,
  type RevokedCertificate,
  RevocationList,
  revokedCertificatesMax,
} from './ca-keys.ts';
export {
  type AuthenticatedRecord,
  type CalendarDay,
  type CdaTransaction,
  type CertificateStep,
  caKeyHash,
  type FddaTransaction,
  fddaTerminalData,
  type IccKeyKind,
  type KeyCertificate,
  recoverIccKey,
  type RecoveredIssuerKey,
  recoverIssuerKey,
  staticDataToAuthenticate,
  verifyCda,
  verifyDda,
  verifyFdda,
  verifySda,
} from './certificates.ts';
export {
  type CvmCondition,
  type CvmList,
  type CvmMethod,
  type CvmRule,
  cvmConditionOf,
  cvmConditions,
  cvmMethodOf,
  cvmMethods,
  parseCvmList,
} from './cvm.ts';
export { dynamicCvc3 } from './dynamic-cvc3.ts';
export {
  dolFitOf,
  hasRightLength,
  type Sensitivity,
  type TagEntry,
  type TagFormat,
  type TagSource,
  tagDictionary,
  tagEntry,
} from './dictionary.ts';
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
export { decipherOfflinePin, encipherOfflinePin, offlinePinBlock, readOfflinePinBlock } from './pin-encipherment.ts';
export { exponentBytes, type RsaPublicKey, RsaSigner } from './rsa.ts';
export {
  type CertificateTerms,
  certifyIcc,
  certifyIssuer,
  signCda,
  signDda,
  signFdda,
  signStaticData,
} from './signing.ts';
export {
  decipherScriptPin,
  encipherScriptPin,
  openScriptCommand,
  type ScriptSession,
  scriptSession,
  sealScriptCommand,
} from './secure-messaging.ts';
export { type AidEntry, aids, type CaPublicKey, isScheme, type Scheme, schemeOfAid, schemes } from './schemes.ts';
export { type MacPadding } from './tdes.ts';
export { buildTrack2, hasLuhnDigit, isExpiry, panFromCn, panToCn, parseTrack2, type Track2 } from './track2.ts';
