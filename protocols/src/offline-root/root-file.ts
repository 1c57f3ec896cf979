import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from 'node:crypto';
import { z } from 'zod';
import { authorityIdOf, type TrustAnchors, type TrustDocument, trustBytes } from '../fleet/index.ts';
import { openSealedKey, sealedKeyFields, sealKey } from '../key-file/index.ts';
import { fail, ok, type Result, Secret } from '../kit/index.ts';
import { buildAuthorityCertificate, type DistinguishedName, parseCertificateRequest } from '../x509/index.ts';

const context = Buffer.from('tsunagu-root-v1', 'utf8');

/** A root with its key, sealed under a passphrase: AES-256-GCM (NIST SP 800-38D), the key by scrypt. Kept where no network reaches. */
export const rootFile = z.object({
  format: z.literal('tsunagu-root-v1'),
  /** PEM; not secret. */
  certificate: z.string().max(4_096),
  ...sealedKeyFields,
});
export type RootFile = z.infer<typeof rootFile>;

type Entropy = (lengthBytes: number) => Uint8Array;

/** A root whose key is at hand. */
export interface OpenedRoot {
  readonly id: string;
  /** PEM. */
  readonly certificate: string;
  /** ECDSA with SHA-256, DER. */
  sign(bytes: Uint8Array): Uint8Array;
}

/** A root out of its certificate and key. ROOT_FILE_INVALID when the two do not belong together. */
export function rootOfKey(certificate: string, privateKey: KeyObject): Result<OpenedRoot, 'ROOT_FILE_INVALID'> {
  try {
    const { publicKey, ca } = new X509Certificate(certificate);
    if (!ca || !publicKey.equals(createPublicKey(privateKey)))
      return fail('ROOT_FILE_INVALID', { field: 'certificate' });
    return ok({
      id: authorityIdOf(certificate),
      certificate,
      sign: (bytes) => Uint8Array.from(sign('sha256', bytes, privateKey)),
    });
  } catch {
    return fail('ROOT_FILE_INVALID', { field: 'certificate' });
  }
}

/** Makes a root: its certificate and its key (PKCS #8, DER), which whoever has sealed it wipes. */
export function makeRoot(
  commonName: string,
  life: { readonly now: number; readonly lifeMs: number },
  entropy: Entropy,
): { readonly certificate: string; readonly key: Secret<'key'> } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = { commonName, organization: 'Tsunagu' };
  const certificate = buildAuthorityCertificate('root', { name, publicKey }, life, { name, privateKey }, entropy);
  return {
    certificate,
    key: Secret.take('key', Uint8Array.from(privateKey.export({ format: 'der', type: 'pkcs8' }))),
  };
}

/** Seals a root's key under a passphrase. */
export function sealRoot(certificate: string, key: Secret<'key'>, passphrase: string, entropy: Entropy): RootFile {
  return { format: 'tsunagu-root-v1', certificate, ...sealKey(key, context, passphrase, entropy) };
}

/** Opens a root's file. ROOT_FILE_INVALID whatever is wrong: file, passphrase, or a certificate of another key. */
export function openRootFile(file: RootFile, passphrase: string): Result<OpenedRoot, 'ROOT_FILE_INVALID'> {
  const key = openSealedKey(file, context, passphrase);
  if (!key) return fail('ROOT_FILE_INVALID');
  try {
    const privateKey = key.use((der) => createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }));
    return rootOfKey(file.certificate, privateKey);
  } catch {
    return fail('ROOT_FILE_INVALID');
  } finally {
    key.wipe();
  }
}

/** The name in a root's certificate, as its issuing CAs repeat it. */
export function nameIn(certificate: string): DistinguishedName {
  const parts = new Map(
    new X509Certificate(certificate).subject.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
  const organization = parts.get('O');
  return { commonName: parts.get('CN') ?? '', ...(organization !== undefined && { organization }) };
}

/**
 * Answers a server's request for an issuing CA. Its end is never after the root's.
 * @param request PKCS #10, DER
 * @returns the issuing CA's certificate, PEM
 */
export function certifyIssuing(
  request: Uint8Array,
  root: OpenedRoot,
  life: { readonly now: number; readonly lifeMs: number },
  entropy: Entropy,
): Result<string, 'CSR_INVALID' | 'AUTHORITY_ENDING'> {
  const csr = parseCertificateRequest(request);
  if (!csr.ok) return csr;
  const parsed = new X509Certificate(root.certificate);
  const leftMs = Date.parse(parsed.validTo) - life.now;
  if (leftMs <= 0) return fail('AUTHORITY_ENDING', { facts: { root: root.id } });
  const name = { commonName: csr.value.commonName, organization: 'Tsunagu' };
  return ok(
    buildAuthorityCertificate(
      'issuing',
      { name, publicKey: csr.value.publicKey },
      { now: life.now, lifeMs: Math.min(life.lifeMs, leftMs) },
      { name: nameIn(root.certificate), publicKey: parsed.publicKey, sign: (bytes) => root.sign(bytes) },
      entropy,
    ),
  );
}

/** Signs what terminals are to trust, by every root given. */
export function signTrust(anchors: TrustAnchors, by: readonly Pick<OpenedRoot, 'id' | 'sign'>[]): TrustDocument {
  const payload = JSON.stringify(anchors);
  return {
    payload,
    signatures: by.map((root) => ({
      root: root.id,
      sig: Buffer.from(root.sign(trustBytes(payload))).toString('base64url'),
    })),
  };
}
