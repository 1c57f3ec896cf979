import { malformed } from '../der/index.ts';
import { ok, type Result } from '../kit/index.ts';
import { type Certificate, checkCertificate, readCertificate } from './certificate.ts';
import { checkRevocation } from './crl.ts';
import { certificatesOnly, contentInfo, readSignedDataToken, readToken } from './signed-data.ts';
import { branchOf, type Tr34Role, type Tr34Trust } from './trust.ts';

/** Codes that checking somebody's certificate can end with. */
export type CredentialError =
  | 'TR34_ENCODING_INVALID'
  | 'TR34_CERTIFICATE_INVALID'
  | 'TR34_CRL_INVALID'
  | 'TR34_CERTIFICATE_REVOKED';

/** What each role's certificate must allow. ASC X9 TR 34-2019, 5.2. */
export const roleUsage = { kdh: 'digitalSignature', krd: 'keyEncipherment' } as const;

/**
 * Accepts a credential token (CT-KDH, CT-KRD) and gives the end entity's certificate: its chain, the CA of its role, its
 * usage, and the CRL that the token may carry. To bind is to store that certificate.
 *
 * @param atMs milliseconds since 1970.
 * @see ASC X9 TR 34-2019, 6.1, B.1 and B.2
 */
export function acceptCredentialToken(
  trust: Tr34Trust,
  role: Tr34Role,
  token: Uint8Array,
  atMs: number,
): Result<Certificate, CredentialError> {
  const read = readToken(token, () => {
    const { certificates, lists, signers } = readSignedDataToken(token);
    if (signers.length > 0) malformed();
    const entities = certificates.map(readCertificate).filter(({ isCa }) => !isCa);
    const [entity] = entities;
    return entity !== undefined && entities.length === 1 ? { entity, lists } : malformed();
  });
  if (!read.ok) return read;
  const { entity, lists } = read.value;
  const branch = branchOf(trust, role);
  const checked = checkCertificate(entity, branch, atMs, roleUsage[role]);
  if (!checked.ok) return checked;
  const unrevoked = checkRevocation(lists, entity, branch.ca, atMs);
  return unrevoked.ok ? ok(entity) : unrevoked;
}

/** Writes a credential token; a host adds the CRL of its CA. */
export const writeCredentialToken = (certificate: Certificate, crl?: Uint8Array): Uint8Array =>
  contentInfo(certificatesOnly([certificate.encoded], crl === undefined ? [] : [crl]));
