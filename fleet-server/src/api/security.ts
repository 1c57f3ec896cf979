import { FaultError } from '@tsunagu/protocols/kit';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** What a page of ours may load: its own files, and nothing inline. CSP level 3. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Headers that keep the dashboard's pages to themselves: nothing from elsewhere, nothing inline, no frames. */
export function setSecurityHeaders(app: FastifyInstance, isEncrypted: boolean): void {
  const headers = {
    'content-security-policy': contentSecurityPolicy,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'origin-agent-cluster': '?1',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cache-control': 'no-store',
    ...(isEncrypted ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  };
  app.addHook('onRequest', async (_request, reply) => {
    void reply.headers(headers);
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
