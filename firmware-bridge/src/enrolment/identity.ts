import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { certificatesOf, pinnedKey, terminalUri } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, Secret } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { sealedRecord } from '../sealed-store/index.ts';
import type { Claim } from './claim.ts';

/**
 * How far a terminal's identity is; the secret is its private key (PKCS #8, DER).
 * Power loss: `keyed` asks again with the same key, which the server answers again.
 */
export const identityRecord = sealedRecord(
  'identity',
  z.discriminatedUnion('step', [
    z.object({ step: z.literal('keyed') }),
    z.object({
      step: z.literal('enrolled'),
      certificateChain: z.string(),
      /** Signs jobs. */
      jobKey: pinnedKey,
      /** The root of the negative lists' authority, base64. Terminals that enrolled before there was one ask again. */
      negativeRoot: z.string().optional(),
      /** The order that brought this certificate (job and attempt): the same one again finds it there. */
      renewedBy: z.string().optional(),
    }),
  ]),
);

/**
 * The key-block protection key, agreed at enrolment or received by TR-34: the record's secret, 32 bytes. `job`: what brought it; the same order
 * again finds it there.
 */
export const keyBlockProtectionKeyRecord = sealedRecord(
  'kbpk',
  z.object({ job: z.string().optional(), kcv: z.string().optional() }),
);

/** What an enrolled terminal is. */
export interface Identity {
  readonly certificateChain: string;
  readonly privateKey: KeyObject;
  readonly jobKey: z.output<typeof pinnedKey>;
  readonly negativeRoot: string;
  readonly renewedBy?: string | undefined;
}

/** Takes a private key out of the secret of its record, which is wiped. */
export function ownKey(secret: Secret<'key'>): KeyObject {
  const key = secret.use((der) => createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }));
  secret.wipe();
  return key;
}

/** The secret of a record for a private key; whoever has stored it wipes it. */
export const pkcs8 = (key: KeyObject): Secret<'key'> =>
  Secret.take('key', new Uint8Array(key.export({ type: 'pkcs8', format: 'der' })));

/**
 * Checks a certificate chain: issued to our key, under our name, by a pinned root through the issuing CA.
 * @param chain leaf first, PEM
 */
export function checkCertificate(
  chain: string,
  privateKey: KeyObject,
  claim: Pick<Claim, 'tenant' | 'serial' | 'rootCertificate'>,
): Result<void, 'ENROLMENT_ANSWER_INVALID'> {
  const wrong = (field: string): Result<void, 'ENROLMENT_ANSWER_INVALID'> =>
    fail('ENROLMENT_ANSWER_INVALID', { field });
  try {
    const [leaf, ...issuers] = (chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
      (pem) => new X509Certificate(pem),
    );
    if (!leaf || issuers.length > 4) return wrong('certificateChain');
    if (!leaf.publicKey.equals(createPublicKey(privateKey))) return wrong('publicKey');
    const names = leaf.subjectAltName?.split(', ') ?? [];
    if (!names.includes(`URI:${terminalUri(claim.tenant, claim.serial)}`)) return wrong('subjectAltName');
    const roots = certificatesOf(claim.rootCertificate).map((pem) => new X509Certificate(pem));
    const isRoot = (one: X509Certificate): boolean =>
      roots.some(({ fingerprint256 }) => fingerprint256 === one.fingerprint256);
    const isBelow = (below: X509Certificate, issuer: X509Certificate): boolean =>
      issuer.ca && below.checkIssued(issuer) && below.verify(issuer.publicKey);
    let below = leaf;
    for (const issuer of issuers.filter((one) => !isRoot(one))) {
      if (!isBelow(below, issuer)) return wrong('issuer');
      below = issuer;
    }
    return roots.some((root) => isBelow(below, root)) ? ok(undefined) : wrong('issuer');
  } catch {
    return wrong('certificateChain');
  }
}
