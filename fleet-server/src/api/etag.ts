import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

/** Gives each JSON answer to a GET an ETag of its content, unless it has one, and answers 304 to who has it (RFC 9110, 13.1.2). */
export function answerUnchanged(app: Pick<FastifyInstance, 'addHook'>): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (request.method !== 'GET' || reply.statusCode !== 200 || typeof payload !== 'string') return payload;
    if (!request.routeOptions.url?.startsWith('/api/')) return payload;
    const own = reply.getHeader('etag');
    const etag =
      typeof own === 'string' ? own : `W/"${createHash('sha256').update(payload).digest('base64url').slice(0, 22)}"`;
    void reply.header('etag', etag);
    const held = request.headers['if-none-match'];
    const weak = (tag: string): string => tag.trim().replace(/^W\//, '');
    if (held === undefined || !(held === '*' || held.split(',').some((tag) => weak(tag) === weak(etag))))
      return payload;
    void reply.status(304).removeHeader('content-length').removeHeader('content-type');
    return '';
  });
}
