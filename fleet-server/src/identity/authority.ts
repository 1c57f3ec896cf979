import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { type Serial, type TenantId, terminalUri } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import {
  buildCertificate,
  type CertificateUse,
  type DistinguishedName,
  buildRevocationList,
  type Issuer,
  type RevocationListContents,
  toPem,
} from '@tsunagu/protocols/x509';
import type { Store } from '../store/index.ts';
import type { Vault } from '../vault/index.ts';

const dayMs = 86_400_000;
const validity = { root: 30 * 365 * dayMs, issuing: 10 * 365 * dayMs, leaf: 398 * dayMs };
/** Clocks of terminals may be slow; but a certificate is not older than a tenth of its life when it is new. */
const backdatedMs = (lifeMs: number): number => Math.min(dayMs, lifeMs / 10);
/** A server's or link's own certificate is replaced when less than this is left. */
const renewBeforeMs = 30 * dayMs;

/** A certificate with the key that belongs to it, PEM. */
export interface Credentials {
  /** Leaf first, then its issuer. */
  readonly certificateChain: string;
  readonly privateKey: string;
}

/** A certificate made for somebody else's key. */
export interface IssuedCertificate {
  /** SHA-256 of the DER, hex in lower case. */
  readonly fingerprint: string;
  readonly key: string;
  readonly pem: string;
  readonly chain: string;
  readonly notAfter: number;
}

/** The house's own certificate authority: a root that signs the issuing authority only, and leaves below that. */
export interface Authority {
  /** PEM. Terminals pin it. */
  readonly root: string;
  readonly issuing: string;
  /** Makes a terminal's certificate. It counts once its row is stored. */
  issueTerminal(serial: Serial, publicKey: KeyObject): IssuedCertificate;
  /** A revocation list of the issuing authority, DER. */
  revocationList(contents: RevocationListContents): Uint8Array;
  /** The TLS credentials of a server or link of this house; made, or made anew, where needed. */
  credentials(
    kind: 'server' | 'link',
    name: string,
    use: Extract<CertificateUse, { kind: 'leaf' }>,
  ): Promise<Credentials>;
}

const rootKey = 'ca/root';
const issuingKey = 'ca/issuing';

/** SHA-256 of a public key's SPKI, hex. */
export const keyDigest = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex');

/** Opens the certificate authority; on the first start it comes into being. */
export async function openAuthority(
  world: Pick<World, 'clock' | 'entropy' | 'log'>,
  store: Store,
  vault: Vault,
  tenant: TenantId,
  terminalLifeMs: number = validity.leaf,
): Promise<Authority> {
  const { clock } = world;
  const names = {
    root: { commonName: `Tsunagu root ${tenant}`, organization: 'Tsunagu' },
    issuing: { commonName: `Tsunagu issuing ${tenant}`, organization: 'Tsunagu' },
  };
  await vault.ensure(rootKey, 'certificate-signing');
  await vault.ensure(issuingKey, 'certificate-signing');

  const issuerOf = (name: DistinguishedName, key: string): Issuer => ({
    name,
    publicKey: unwrap(vault.publicKey(key)),
    sign: (bytes) => vault.sign(key, 'certificate-signing', bytes),
  });
  const rootIssuer = issuerOf(names.root, rootKey);
  const issuer = issuerOf(names.issuing, issuingKey);

  function make(subject: DistinguishedName, publicKey: KeyObject, use: CertificateUse, by: Issuer, lifeMs: number) {
    const now = clock.now();
    const serialNumber = world.entropy(16);
    serialNumber[0] = (serialNumber[0] ?? 0) & 0x7f;
    const notAfter = now + lifeMs;
    const pem = toPem(
      'CERTIFICATE',
      buildCertificate({ serialNumber, subject, publicKey, notBefore: now - backdatedMs(lifeMs), notAfter, use }, by),
    );
    return { pem, fingerprint: fingerprintOf(pem), key: keyDigest(publicKey), notAfter };
  }

  const newest = (kind: 'root' | 'issuing' | 'server' | 'link', subject: string) =>
    store.db
      .selectFrom('certificates')
      .selectAll()
      .where('kind', '=', kind)
      .where('subject', '=', subject)
      .where('ended_at', 'is', null)
      .orderBy('issued_at', 'desc')
      .executeTakeFirst();

  const record = (
    kind: 'root' | 'issuing' | 'server' | 'link',
    subject: string,
    { pem, fingerprint, key, notAfter }: ReturnType<typeof make>,
  ) =>
    store.write(async (tx) => {
      const issued_at = clock.now();
      await tx
        .updateTable('certificates')
        .set({ ended_at: issued_at })
        .where('kind', '=', kind)
        .where('subject', '=', subject)
        .where('ended_at', 'is', null)
        .execute();
      await tx
        .insertInto('certificates')
        .values({
          fingerprint,
          kind,
          subject,
          key,
          pem,
          issued_at,
          not_after: notAfter,
          ended_at: null,
          revoked_at: null,
        })
        .execute();
    });

  async function authority(kind: 'root' | 'issuing', key: string, by: Issuer, pathLength: number): Promise<string> {
    const kept = await newest(kind, tenant);
    if (kept) return kept.pem;
    const use = { kind: 'authority', pathLength } as const;
    const made = make(names[kind], unwrap(vault.publicKey(key)), use, by, validity[kind]);
    await record(kind, tenant, made);
    world.log('info', 'authorityCreated', { kind, fingerprint: made.fingerprint });
    return made.pem;
  }

  const root = await authority('root', rootKey, rootIssuer, 1);
  const issuing = await authority('issuing', issuingKey, rootIssuer, 0);

  return {
    root,
    issuing,
    issueTerminal(serial, publicKey) {
      const names = [{ uri: terminalUri(tenant, serial) }];
      const use = { kind: 'leaf', purposes: ['clientAuth'], names } as const;
      const made = make({ commonName: serial }, publicKey, use, issuer, terminalLifeMs);
      return { ...made, chain: made.pem + issuing };
    },
    revocationList: (contents) => buildRevocationList(contents, issuer),
    async credentials(kind, name, use) {
      const id = `tls/${kind}/${name}`;
      await vault.ensure(id, 'tls');
      let kept = (await newest(kind, name))?.pem;
      if (kept === undefined || isEnding(kept, clock.now()) || !covers(kept, use.names)) {
        const made = make({ commonName: name }, unwrap(vault.publicKey(id)), use, issuer, validity.leaf);
        await record(kind, name, made);
        kept = made.pem;
      }
      return { certificateChain: kept + issuing, privateKey: unwrap(vault.tlsKey(id)) };
    },
  };
}

/** SHA-256 of a certificate, hex in lower case. */
export const fingerprintOf = (certificate: string | Uint8Array): string =>
  new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase();

const isEnding = (pem: string, now: number): boolean =>
  new Date(new X509Certificate(pem).validTo).getTime() - now < renewBeforeMs;

function covers(pem: string, names: readonly object[]): boolean {
  const said = new X509Certificate(pem).subjectAltName ?? '';
  return names.every((name) => Object.values(name).every((value) => said.includes(String(value))));
}
