export { type Claim, claimFile, readClaim } from './claim.ts';
export { type EnrolmentOptions, identify } from './enrol.ts';
export { type ManufacturerIdentity, manufacturerFile, readManufacturer } from './manufacturer.ts';
export { keepTrust, readTrust, takeTrust, type TrustAnchorsKept, trustRecord } from './trust.ts';
export { beginRenewal, finishRenewal, keepRenewed, renewalDue, type Renewals } from './renew.ts';
export { type Identity, identityRecord, keyBlockProtectionKeyRecord } from './identity.ts';
