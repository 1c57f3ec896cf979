import helmet from '@fastify/helmet';
import { FaultError } from '@tsunagu/protocols/kit';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Headers that keep the dashboard's pages to themselves: nothing from elsewhere, nothing inline, no frames. */
export async function setSecurityHeaders(app: FastifyInstance, isEncrypted: boolean): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    hsts: isEncrypted,
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
  });
  app.addHook('onRequest', async (_request, reply) => {
    void reply.header('permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()');
    void reply.header('cache-control', 'no-store');
  });
}

const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Two things that a browser can be made to do against a server on the loopback. A foreign name that resolves to this
 * machine (DNS rebinding) is caught by the host it names; a foreign page that posts with the session's cookie
 * (or signs the victim in as somebody else) is caught by the origin that browsers put on every such request.
 */
export function guardBrowsers(request: FastifyRequest, hosts: readonly string[], cookieName: string): void {
  const host = request.headers.host?.toLowerCase() ?? '';
  const name = host.replace(/:\d+$/, '');
  if (!loopbackHosts.has(name) && !hosts.includes(name)) throw new FaultError({ code: 'HOST_REFUSED' });

  if (safeMethods.has(request.method) || request.headers.authorization !== undefined) return;
  const { origin } = request.headers;
  const site = request.headers['sec-fetch-site'];
  const isForeign = origin !== undefined ? hostOf(origin) !== host : site !== undefined && site !== 'same-origin';
  const isUnmarked = origin === undefined && site === undefined && request.cookies[cookieName] !== undefined;
  if (isForeign || isUnmarked) throw new FaultError({ code: 'CROSS_SITE_REFUSED' });
}

const hostOf = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined);
