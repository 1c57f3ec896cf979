import { z } from 'zod';
import type { ApiApp } from '../app.ts';

/** Whether the process lives, and whether it is ready for work. Open to everybody, and tell nothing else. */
export function healthRoutes(app: ApiApp, isReady: () => boolean): void {
  const status = z.object({ status: z.enum(['ok', 'not-ready']) });
  app.get('/healthz', { schema: { summary: 'Alive', tags: ['health'], response: { 200: status } } }, async () => ({
    status: 'ok' as const,
  }));
  app.get(
    '/readyz',
    { schema: { summary: 'Ready for work', tags: ['health'], response: { 200: status, 503: status } } },
    async (_request, reply) =>
      isReady() ? reply.send({ status: 'ok' }) : reply.status(503).send({ status: 'not-ready' }),
  );
}
