import type { TlsOptions } from 'node:tls';

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
