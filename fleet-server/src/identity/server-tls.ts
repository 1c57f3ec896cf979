import { X509Certificate } from 'node:crypto';
import type { TlsOptions } from 'node:tls';
import { toPem } from '@tsunagu/protocols/x509';

/** What a server of the house shows, and whom it believes. PEM. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca: readonly string[];
}

/** The material of a server that lives longer than its certificates: whoever listens follows it. */
export interface ServerTls extends TlsMaterial {
  /** Calls `take` with each later material. */
  readonly follow: (take: (material: TlsMaterial) => void) => void;
}

/** A server whose certificate can be changed while it listens (`tls.Server`, `https.Server`). */
interface Changeable {
  setSecureContext(options: TlsOptions): void;
}

/** Material that changes, and tells. */
export function changingTls(first: TlsMaterial): { readonly tls: ServerTls; change(next: TlsMaterial): void } {
  let current = first;
  const followers: ((material: TlsMaterial) => void)[] = [];
  return {
    tls: {
      get cert() {
        return current.cert;
      },
      get key() {
        return current.key;
      },
      get ca() {
        return current.ca;
      },
      follow: (take) => void followers.push(take),
    },
    change(next) {
      const isSame = next.cert === current.cert && next.ca.join() === current.ca.join();
      if (isSame) return;
      current = next;
      for (const take of followers) take(next);
    },
  };
}

/** Has a listener show what it follows, from its next connection on. Connections that are there stay. */
export const followTls = (server: Changeable, follow: ServerTls['follow'] | undefined): void =>
  follow?.(({ cert, key, ca }) => server.setSecureContext({ cert, key, ca: [...ca], minVersion: 'TLSv1.3' }));

/** Trust settings of OpenSSL's (X509_CERT_AUX, DER): for clients of TLS (id-kp-clientAuth), and nothing else. */
const forClients = Buffer.from('300c300a06082b06010505070302', 'hex');

/**
 * The same authorities, for a server that asks for certificates below them: an issuing CA is where the look upwards ends. OpenSSL otherwise goes on to
 * the root, and verifies at each handshake what the house verified when it took the CA: a tenth of a whole handshake's processor time. That the root
 * counts is the house's to know: it names no CA below one that does not, and no certificate outlasts its root.
 * (Node has `allowPartialTrustChain` for it, which `tls.createServer` does not pass on; with `TRUSTED CERTIFICATE` in the PEM OpenSSL does it alone.)
 */
export const clientAnchors = (ca: readonly string[]): string[] =>
  ca.map((pem) => {
    const { raw, issuer, subject } = new X509Certificate(pem);
    return issuer === subject ? pem : toPem('TRUSTED CERTIFICATE', Buffer.concat([raw, forClients]));
  });
