import { changeConfiguration, desiredConfiguration, page, saleLine, serialSchema } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import type { ApiApp } from '../app.ts';
import { refused } from '../problems.ts';
import { actorOf } from '../actor.ts';
import { ifMatch, versionOf } from '../if-match.ts';
import { answerPage, listQuery, pageOf } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';

/** Daily work: the feed of sales, the desired configuration. */
export function operationsRoutes(app: ApiApp, { sales, twin }: Pick<ApiRooms, 'sales' | 'twin'>): void {
  app.get(
    '/api/v1/sales',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Sales, newest first',
        tags: ['sales'],
        querystring: listQuery.extend({ serial: serialSchema.optional() }),
        response: { 200: page(saleLine), '4xx': refused },
      },
    },
    async ({ query }) =>
      answerPage(
        unwrap(
          await sales.list(query.serial === undefined ? pageOf(query) : { ...pageOf(query), serial: query.serial }),
        ),
      ),
  );

  app.get(
    '/api/v1/configuration',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The desired configuration; its version is the ETag',
        tags: ['configuration'],
        response: { 200: desiredConfiguration, '4xx': refused },
      },
    },
    async (_request, reply) => {
      const desired = await twin.desired();
      return reply.header('etag', `"${desired.version}"`).send(desired);
    },
  );

  app.patch(
    '/api/v1/configuration',
    {
      config: {
        role: 'operator',
        header: ifMatch,
      },
      schema: {
        summary: 'Change the desired configuration; If-Match names the version that is changed',
        tags: ['configuration'],
        body: changeConfiguration,
        response: { 200: desiredConfiguration, '4xx': refused },
      },
    },
    async (request, reply) => {
      const changed = unwrap(await twin.change(versionOf(request), request.body, actorOf(request)));
      return reply.header('etag', `"${changed.version}"`).send(changed);
    },
  );
}
