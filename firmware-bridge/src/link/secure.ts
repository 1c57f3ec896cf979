import type { KeyObject } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, connect, type SecureContext, type TLSSocket } from 'node:tls';
import { certificatesOf } from '@tsunagu/protocols/fleet';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Timers } from '@tsunagu/protocols/world';
import type { Network, NetworkFault, Service } from './network.ts';

/** What a terminal shows to the server. */
export interface ClientIdentity {
  /** Leaf first, PEM. */
  readonly certificateChain: string;
  readonly privateKey: KeyObject;
}

/** Opens TLS connections to the server's services. */
export interface SecureNetwork {
  /** LINK_REFUSED: the far side is not the server that is pinned, or it does not want us. */
  open(service: Service, timeoutMs: number): Promise<Result<TLSSocket, NetworkFault | 'LINK_REFUSED'>>;
  /** Shows another certificate from the next connection on. */
  show(identity: ClientIdentity): void;
  /** Trusts other roots (PEM) from the next connection on. */
  pin(rootCertificate: string): void;
}

/**
 * TLS 1.3 (RFC 8446) to the pinned roots and nothing else, by our certificate once there is one.
 * @param host the name that the server's certificate must carry, also when a parent carries the bytes
 */
export function secureNetwork(
  network: Network,
  timers: Timers,
  trust: { readonly host: string; readonly rootCertificate: string },
  identity?: ClientIdentity,
): SecureNetwork {
  // One context for all connections of a terminal: it holds the parsed certificates, tens of kilobytes.
  let pinned = trust.rootCertificate;
  let shown = identity;
  /** The house knows its issuing CAs: our certificate alone will do. A broker of somebody else may want those above it, too. */
  let withIssuers = false;
  const makeContext = (): SecureContext =>
    createSecureContext({
      ca: pinned,
      minVersion: 'TLSv1.3',
      ...(shown && {
        cert: withIssuers ? shown.certificateChain : (certificatesOf(shown.certificateChain)[0] ?? ''),
        key: shown.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      }),
    });
  let context = makeContext();
  /** The newest ticket of each service that is dialled again and again: the next handshake needs no certificates (RFC 8446, 2.2). */
  const tickets = new Map<Service, Buffer>();
  const forget = (): void => {
    context = makeContext();
    // A resumed session would show the old certificate, and ask nobody for another.
    tickets.clear();
  };
  return {
    show(next) {
      shown = next;
      forget();
    },
    pin(rootCertificate) {
      pinned = rootCertificate;
      forget();
    },
    async open(service, timeoutMs) {
      const bare = await network.open(service, timeoutMs);
      if (!bare.ok) return bare;
      // An enrolment begins without a certificate, and the device API asks for one by request.
      if (service === 'device') return handshake(bare.value, context, trust.host, timeoutMs, timers);
      const shown = context;
      const offered = tickets.get(service);
      const opened = await handshake(bare.value, context, trust.host, timeoutMs, timers, offered);
      // After a failure the handshake is a full one.
      if (!opened.ok && tickets.get(service) === offered) tickets.delete(service);
      // Node's server gives tickets after full handshakes only: the one in hand serves again.
      if (opened.ok) {
        opened.value.on('session', (given) => {
          if (shown === context) tickets.set(service, given);
        });
        // Whether our certificate is taken is told after the handshake (RFC 8446, 4.4.2.4): by an alert, by a hang-up before the first byte, or not at all.
        const socket = opened.value;
        const isWhole = !socket.isSessionReused();
        const refused = (showIssuers: boolean): void => {
          if (shown !== context || withIssuers === showIssuers) return;
          withIssuers = showIssuers;
          forget();
        };
        // Whoever hangs up on the chain, too, has another reason.
        const hungUp = (): void => {
          if (isWhole && socket.bytesRead === 0) refused(!withIssuers);
        };
        socket.on('error', (error) => {
          const code = 'code' in error ? error.code : undefined;
          if (code === 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA') refused(true);
          if (code === 'ECONNRESET') hungUp();
        });
        // Before Node ends our half in answer: a connection that we ended ourselves says nothing.
        socket.prependListener('end', () => {
          if (!socket.writableEnded) hungUp();
        });
      }
      return opened;
    },
  };
}

const handshake = (
  bare: Socket,
  secureContext: SecureContext,
  host: string,
  timeoutMs: number,
  timers: Timers,
  session?: Buffer,
): Promise<Result<TLSSocket, 'LINK_REFUSED'>> =>
  new Promise((resolve) => {
    // RFC 6066, 3: an address is no server name.
    const servername = /^[\d.]+$|:/.test(host) ? '' : host;
    const socket = connect({
      socket: bare,
      secureContext,
      host,
      servername,
      minVersion: 'TLSv1.3',
      ...(session && { session }),
    });
    const end = (cause: unknown): void => {
      timer.cancel();
      socket.destroy();
      bare.destroy();
      resolve(fail('LINK_REFUSED', { cause }));
    };
    const timer = timers.after(timeoutMs, () => end('timeout'));
    const closed = (): void => end('closed');
    socket.once('error', end);
    socket.once('close', closed);
    socket.once('secureConnect', () => {
      timer.cancel();
      socket.removeListener('error', end);
      socket.removeListener('close', closed);
      resolve(ok(socket));
    });
  });
