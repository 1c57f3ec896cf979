import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { FaultError } from '@tsunagu/protocols/kit';
import type { ApiApp } from './app.ts';

/** Serves the built dashboard under `/`; addresses that only the page itself knows get the page. */
export async function serveDashboard(app: ApiApp, webDir: string | undefined): Promise<boolean> {
  const isBuilt = webDir !== undefined && existsSync(join(webDir, 'index.html'));
  if (isBuilt)
    await app.register(fastifyStatic, {
      root: webDir,
      preCompressed: true,
      cacheControl: false,
      setHeaders: (response, path: string) => {
        // Built assets carry a hash of their content in their names.
        const isHashed = /[/\\]assets[/\\]/.test(path);
        void response.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?');
    const isPage = request.method === 'GET' && !path.startsWith('/api/') && !/\.[a-z0-9]+$/i.test(path);
    if (isBuilt && isPage && (request.headers.accept ?? '').includes('text/html')) return reply.sendFile('index.html');
    const methods = path.startsWith('/api/') ? app.methods.at(path) : [];
    if (methods.length === 0) throw new FaultError({ code: 'ROUTE_UNKNOWN' });
    // RFC 9110, 15.5.6.
    void reply.header('allow', methods.join(', '));
    throw new FaultError({ code: 'METHOD_UNKNOWN', facts: { methods: methods.join(' ') } });
  });
  return isBuilt;
}
