import { type KeyObject, X509Certificate } from 'node:crypto';
import { type Serial, type TenantId, terminalUri } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result, unwrap } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';
import {
  backdatedMs,
  buildCertificate,
  buildRevocationList,
  type CertificateUse,
  type DistinguishedName,
  newSerialNumber,
  type RevocationListContents,
  toPem,
} from '@tsunagu/protocols/x509';
import type { Store } from '../store/index.ts';
import type { Vault } from '../vault/index.ts';
import { type Ca, defaultLives, type Hierarchy, keyDigest, type Lives, openHierarchy } from './hierarchy.ts';

const dayMs = 86_400_000;
/** A server's or link's own certificate is replaced when less than this share of its life is left, and at most so long before its end. */
const renewShare = 1 / 4;
const renewBeforeMs = 90 * dayMs;
const standInMs = 300_000;

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
  /** The authority that issued it. */
  readonly issuer: string;
}

/** The house's own certificate authority: roots that sign issuing CAs only, and leaves below those. */
export interface Authority {
  readonly hierarchy: Hierarchy;
  readonly lives: Lives;
  /** Every root that counts, PEM. */
  readonly roots: string;
  /**
   * Whom this server believes, PEM: the roots, and the issuing CAs below those. With the latter at hand a terminal need not show the one above it
   * (RFC 8446, 4.4.2): to read a certificate takes a third of a millisecond of each handshake, and seven kilobytes of each connection.
   */
  readonly believed: readonly string[];
  /** What a new terminal pins. */
  readonly anchors: string;
  /**
   * Makes a terminal's certificate, below a root that it knows. It counts once its row is stored. Its end is never after that of an authority above
   * it. AUTHORITY_ENDING: no issuing CA counts any more.
   */
  issueTerminal(serial: Serial, publicKey: KeyObject): Promise<Result<IssuedCertificate, 'AUTHORITY_ENDING'>>;
  /**
   * Makes a certificate that carries a terminal's name and nothing else of it: a broker of somebody else takes who shows it for the terminal, this house does
   * not (no URI of it, no row). It ends after five minutes, and its key is never stored.
   */
  issueStandIn(serial: Serial, publicKey: KeyObject): Result<Pick<IssuedCertificate, 'chain'>, 'AUTHORITY_ENDING'>;
  /** A revocation list of an issuing authority, DER. */
  revocationList(issuing: string, contents: RevocationListContents): Uint8Array;
  /**
   * The TLS credentials of a server or link of this house; made, or made anew, where needed: below the newest issuing CA whose root every
   * terminal knows. Where none counts any more, the last ones.
   */
  credentials(
    kind: 'server' | 'link',
    name: string,
    use: Extract<CertificateUse, { kind: 'leaf' }>,
  ): Promise<Credentials>;
}

/** Opens the certificate authority; on the first start it comes into being. */
export async function openAuthority(
  world: Pick<World, 'clock' | 'entropy' | 'log'>,
  store: Store,
  vault: Vault,
  tenant: TenantId,
  some: Partial<Lives> = {},
): Promise<Authority> {
  const { clock } = world;
  const lives = { ...defaultLives, ...some };
  const hierarchy = await openHierarchy(world, store, vault, tenant, lives);

  function make(ca: Ca, subject: DistinguishedName, publicKey: KeyObject, use: CertificateUse, lifeMs: number) {
    const now = clock.now();
    const rootEnd = (ca.issuer === null ? undefined : hierarchy.ca(ca.issuer))?.notAfter ?? ca.notAfter;
    // Certificates count in whole seconds: what is stored is what is in them.
    const notAfter = Math.floor(Math.min(now + lifeMs, ca.notAfter, rootEnd) / 1_000) * 1_000;
    const contents = {
      serialNumber: newSerialNumber(world.entropy),
      subject,
      publicKey,
      notBefore: now - backdatedMs(lifeMs),
      notAfter,
      use,
    };
    const pem = toPem('CERTIFICATE', buildCertificate(contents, hierarchy.issuerOf(ca)));
    return { pem, fingerprint: fingerprintOf(pem), key: keyDigest(publicKey), notAfter, issuer: ca.id };
  }

  const newest = (kind: 'server' | 'link', subject: string) =>
    store.db
      .selectFrom('certificates')
      .selectAll()
      .where('kind', '=', kind)
      .where('subject', '=', subject)
      .where('ended_at', 'is', null)
      .orderBy('issued_at', 'desc')
      .executeTakeFirst();

  const record = (
    kind: 'server' | 'link',
    subject: string,
    { pem, fingerprint, key, notAfter, issuer }: ReturnType<typeof make>,
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
          issuer,
        })
        .execute();
    });

  return {
    hierarchy,
    lives,
    get roots() {
      return hierarchy.roots.map(({ pem }) => pem).join('');
    },
    get believed() {
      const issuing = hierarchy.issuing.filter(({ issuer }) => hierarchy.ca(issuer ?? ''));
      return [...hierarchy.roots, ...issuing].map(({ pem }) => pem);
    },
    get anchors() {
      return hierarchy.trust.anchors.join('');
    },
    async issueTerminal(serial, publicKey) {
      const ca = hierarchy.issuingFor([await hierarchy.versionOf(serial)], clock.now());
      if (!ca) return fail('AUTHORITY_ENDING');
      const names = [{ uri: terminalUri(tenant, serial) }];
      const use = { kind: 'leaf', purposes: ['clientAuth'], names } as const;
      const made = make(ca, { commonName: serial }, publicKey, use, lives.terminalMs);
      return ok({ ...made, chain: made.pem + ca.pem });
    },
    issueStandIn(serial, publicKey) {
      const ca = hierarchy.issuing.find(({ notAfter }) => notAfter > clock.now());
      if (!ca) return fail('AUTHORITY_ENDING');
      const use = { kind: 'leaf', purposes: ['clientAuth'], names: [] } as const;
      return ok({ chain: make(ca, { commonName: serial }, publicKey, use, standInMs).pem + ca.pem });
    },
    revocationList: (issuing, contents) => {
      const ca = hierarchy.ca(issuing);
      if (!ca) throw new Error(`no authority ${issuing}`);
      return buildRevocationList(contents, hierarchy.issuerOf(ca));
    },
    async credentials(kind, name, use) {
      const id = `tls/${kind}/${name}`;
      await vault.ensure(id, 'tls');
      const now = clock.now();
      const ca = hierarchy.issuingFor(await hierarchy.versionsInUse(), now);
      const row = await newest(kind, name);
      let kept = row && { pem: row.pem, issuer: row.issuer };
      const isGood =
        row !== undefined &&
        (!ca || row.issuer === ca.id) &&
        (!isEnding(row.pem, now) || (ca !== undefined && row.not_after >= ca.notAfter - 1_000)) &&
        covers(row.pem, use.names);
      if (!isGood && ca) {
        const made = make(ca, { commonName: name }, unwrap(vault.publicKey(id)), use, lives.leafMs);
        await record(kind, name, made);
        kept = made;
      }
      const above = kept?.issuer == null ? undefined : hierarchy.ca(kept.issuer);
      if (!kept) throw new Error('no issuing CA counts, and none has');
      return { certificateChain: kept.pem + (above?.pem ?? ''), privateKey: unwrap(vault.tlsKey(id)) };
    },
  };
}

/** SHA-256 of a certificate, hex in lower case. */
export const fingerprintOf = (certificate: string | Uint8Array): string =>
  new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase();

function isEnding(pem: string, now: number): boolean {
  const { validFrom, validTo } = new X509Certificate(pem);
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  return to - now < Math.min(renewBeforeMs, (to - from) * renewShare);
}

function covers(pem: string, names: readonly object[]): boolean {
  const said = new X509Certificate(pem).subjectAltName ?? '';
  return names.every((name) => Object.values(name).every((value) => said.includes(String(value))));
}
