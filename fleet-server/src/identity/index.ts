export {
  type Admission,
  fingerprintOf,
  hasCertificate,
  openAdmission,
  type ShownCertificate,
  shownBy,
} from './admission.ts';
export { type Authority, type Credentials, type IssuedCertificate, openAuthority } from './authority.ts';
export { type Certificates, type CertificatesRooms, openCertificates } from './certificates.ts';
export { type Enrolment, type EnrolmentError, type EnrolmentRooms, openEnrolment } from './enrolment.ts';
export { type Ceremonies, type CeremonyRooms, openCeremonies } from './ceremonies.ts';
export { identityEndings } from './endings.ts';
export type { Lives } from './hierarchy.ts';
export { type Manufacturers, openManufacturers } from './manufacturers.ts';
export { changingTls, clientAnchors, followTls, type ServerTls, type TlsMaterial } from './server-tls.ts';
export { openTrustKnown, type TrustKnown } from './trust-known.ts';
export { endWiped, provingCertificate, provingCertificateOf } from './wipe-proof.ts';
export { openRevocations, type Revocations, revokedAloneMax } from './revocations.ts';
