export {
  type AlternativeName,
  backdatedMs,
  buildAuthorityCertificate,
  buildCertificate,
  type CertificateContents,
  type CertificateUse,
  type Issuer,
  newSerialNumber,
  toPem,
} from './certificate.ts';
export type { DistinguishedName } from './name.ts';
export { buildRevocationList, type RevocationListContents, type RevokedCertificate } from './revocation-list.ts';
export {
  buildCertificateRequest,
  buildCertificateRequestBy,
  type CertificateRequest,
  p256Key,
  parseCertificateRequest,
  requestLengthMax,
} from './request.ts';
