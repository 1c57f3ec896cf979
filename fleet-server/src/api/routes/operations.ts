import { page, saleLine, serialSchema } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import type { ApiApp } from '../app.ts';
import { refused } from '../problems.ts';
import { answerPage, listQuery, pageOf } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';

/** Daily work: the feed of sales. */
export function operationsRoutes(app: ApiApp, { sales }: Pick<ApiRooms, 'sales'>): void {
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
}
