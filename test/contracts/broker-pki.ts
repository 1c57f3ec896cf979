import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { type Serial, serialSchema, type TenantId, tenantSchema, terminalUri } from '@tsunagu/protocols/fleet';
import { buildCertificate, buildRevocationList, type CertificateUse, toPem } from '@tsunagu/protocols/x509';

/** A terminal or server with its certificate. */
export interface Holder {
  readonly serial: Serial;
  readonly cert: string;
  readonly key: string;
}

const hour = 3_600_000;
export const tenant: TenantId = tenantSchema.parse('demo');

/** A certificate authority of a test, which knows terminals as the house's own does. */
export function testAuthority() {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = { commonName: 'broker contract root' };
  const issuer = { name, privateKey: pair.privateKey };
  let count = 1;
  const make = (commonName: string, publicKey: KeyObject, use: CertificateUse): string =>
    toPem(
      'CERTIFICATE',
      buildCertificate(
        {
          serialNumber: Uint8Array.of(1, count++),
          subject: { commonName },
          publicKey,
          notBefore: Date.now() - hour,
          notAfter: Date.now() + hour,
          use,
        },
        issuer,
      ),
    );
  const leaf = (commonName: string, use: Extract<CertificateUse, { kind: 'leaf' }>) => {
    const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return {
      cert: make(commonName, own.publicKey, use),
      key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  };
  return {
    root: make(name.commonName, pair.publicKey, { kind: 'authority', pathLength: 0 }),
    server: () =>
      leaf('broker', { kind: 'leaf', purposes: ['serverAuth'], names: [{ ip: '127.0.0.1' }, { dns: 'localhost' }] }),
    /** Its revocation list, made now. DER. */
    list: (ended: readonly Pick<Holder, 'cert'>[]): Uint8Array =>
      buildRevocationList(
        {
          number: Math.floor(Date.now() / 1_000),
          thisUpdate: Date.now(),
          nextUpdate: Date.now() + hour,
          revoked: ended.map(({ cert }) => ({
            serialNumber: Uint8Array.from(Buffer.from(new X509Certificate(cert).serialNumber, 'hex')),
            revokedAt: Date.now(),
          })),
        },
        issuer,
      ),
    link: (name: string) => leaf(name, { kind: 'leaf', purposes: ['clientAuth'], names: [] }),
    terminal(text: string): Holder {
      const serial = serialSchema.parse(text);
      const names = [{ uri: terminalUri(tenant, serial) }];
      return { serial, ...leaf(serial, { kind: 'leaf', purposes: ['clientAuth'], names }) };
    },
  };
}
