export { type Admission, hasCertificate, openAdmission } from './admission.ts';
export { type Authority, type Credentials, type IssuedCertificate, openAuthority } from './authority.ts';
export { type Certificates, type CertificatesRooms, openCertificates } from './certificates.ts';
export { type Enrolment, type EnrolmentError, type EnrolmentRooms, openEnrolment } from './enrolment.ts';
