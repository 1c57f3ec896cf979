import { createHmac, createPublicKey, diffieHellman, hkdfSync, type KeyObject } from 'node:crypto';
import { equalInConstantTime, Secret } from '../kit/index.ts';
import type { EnrolmentRequest } from './device-api.ts';

type Claimed = Pick<EnrolmentRequest, 'serial' | 'csr' | 'agreementKey'>;

/** The proof that goes with an enrolment: see `enrolmentRequest`. 32 bytes. */
export const claimProof = (secret: Secret<'claim'>, claimed: Claimed): Uint8Array =>
  secret.use((key) =>
    Uint8Array.from(
      createHmac('sha256', key)
        .update(`tsunagu-claim-v1\n${claimed.serial}\n${claimed.csr}\n${claimed.agreementKey}`)
        .digest(),
    ),
  );

/** Whether a request was made by someone who holds the claim secret. */
export const isClaimProven = (secret: Secret<'claim'>, request: EnrolmentRequest): boolean =>
  request.proof !== undefined && equalInConstantTime(claimProof(secret, request), Buffer.from(request.proof, 'base64'));

/** What the key of a maker's certificate signs: see `enrolmentRequest`. */
export const manufacturerStatement = ({
  tenant,
  serial,
  csr,
  agreementKey,
}: Claimed & { tenant: string }): Uint8Array =>
  Buffer.from(`tsunagu-manufacturer-v1\n${tenant}\n${serial}\n${csr}\n${agreementKey}`, 'utf8');

/**
 * The terminal's key-block protection key, agreed at enrolment and never sent: ECDH over P-256 of two ephemeral keys
 * (NIST SP 800-56A rev. 3, 6.1.2), then HKDF-SHA-256 (RFC 5869) with both public keys as salt and the serial as info.
 * The terminal's half is under the claim proof, the server's under its TLS certificate.
 * @returns 32 bytes: an AES-256 key for TR-31 version D
 */
export function agreeKeyBlockProtectionKey(
  own: KeyObject,
  peerSpki: string,
  terminalSpki: string,
  serverSpki: string,
  serial: string,
): Secret<'key'> {
  const peer = createPublicKey({ key: Buffer.from(peerSpki, 'base64'), format: 'der', type: 'spki' });
  const shared = diffieHellman({ privateKey: own, publicKey: peer });
  const key = hkdfSync(
    'sha256',
    shared,
    Buffer.from(`${terminalSpki}\n${serverSpki}`),
    `tsunagu-kbpk-v1\n${serial}`,
    32,
  );
  shared.fill(0);
  return Secret.take('key', new Uint8Array(key));
}
