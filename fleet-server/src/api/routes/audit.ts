import { pipeline } from 'node:stream/promises';
import { auditEntry, auditOutcomes } from '@tsunagu/protocols/audit';
import { page, signedDocument } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import type { Audit } from '../../audit/index.ts';
import type { ApiApp } from '../app.ts';
import { answerPage, listQuery, pageOf } from '../list-query.ts';
import { refused } from '../problems.ts';

const auditQuery = listQuery.extend({
  subject: z.string().max(200).optional().describe('Such as `terminal/CT5100-0001`.'),
  actor: z.string().max(80).optional().describe('The person behind it, or what acted where there is none.'),
  action: z.string().max(80).optional().describe('Such as `people.create`.'),
  outcome: z.enum(auditOutcomes).optional().describe('What came of it.'),
  from: z.iso.datetime().optional().describe('Not before.'),
  to: z.iso.datetime().optional().describe('Before.'),
});

/** The audit log: to look into, and to take away for the verifier. */
export function auditRoutes(app: ApiApp, audit: Audit): void {
  const tags = ['audit'];
  const config = { permission: 'audit.read' } as const;
  app.get(
    '/api/v1/audit',
    {
      config,
      schema: {
        summary: 'Who did what, newest first',
        tags,
        querystring: auditQuery,
        response: { 200: page(auditEntry), '4xx': refused },
      },
    },
    async ({ query: { from, to, limit, cursor, ...filter } }) =>
      answerPage(
        unwrap(
          await audit.list({
            ...pageOf({ limit, cursor }),
            ...withoutUndefined(filter),
            ...(from !== undefined && { from: Date.parse(from) }),
            ...(to !== undefined && { to: Date.parse(to) }),
          }),
        ),
      ),
  );

  app.get(
    '/api/v1/audit/heads',
    {
      config,
      schema: {
        summary: 'Signed heads, newest first; keep one elsewhere, and nothing before it can be altered unnoticed',
        tags,
        querystring: listQuery,
        response: { 200: page(signedDocument), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await audit.heads(pageOf(query)))),
  );

  app.get(
    '/api/v1/audit/export',
    {
      config,
      schema: {
        summary: 'The log as JSON lines, with a head signed now at its end, for the verifier',
        tags,
        querystring: z.object({ from: z.coerce.number().int().min(1).default(1) }),
        response: {
          200: { description: 'JSON lines.', content: { 'application/jsonl': { schema: z.string() } } },
          '4xx': refused,
        },
      },
    },
    async (request, reply) => {
      const lines = audit.lines(request.query.from);
      async function* text() {
        for await (const line of lines) yield `${line}\n`;
      }
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value);
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'application/jsonl' });
      // A reader that goes away ends the writing, and that is all.
      await pipeline(text, reply.raw).catch(() => reply.raw.destroy());
    },
  );
}

/** A filter without what was not asked for. */
function withoutUndefined<T extends object>(filter: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
