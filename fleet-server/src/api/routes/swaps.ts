import { lifePaths, page, startSwap, swapAct, swapView } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { byId } from '../by-id.ts';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { answerPage, openQuery, pageOf } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';
import { refused } from '../problems.ts';

/** One unit takes the place of another. */
export function swapRoutes(app: ApiApp, { swaps }: Pick<ApiRooms, 'swaps'>): void {
  const tags = ['swaps'];
  app.get(
    lifePaths.swaps,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Swaps, newest first',
        tags,
        querystring: openQuery,
        response: { 200: page(swapView), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await swaps.list({ isOpen: query.open === 'true' }, pageOf(query)))),
  );

  app.post(
    lifePaths.swaps,
    {
      config: { role: 'operator', isIdempotent: true },
      schema: {
        summary: 'Have a unit take place, children and parameters of another; it goes on by itself',
        tags,
        body: startSwap,
        response: { 202: swapView, '4xx': refused },
      },
    },
    async (request, reply) => reply.status(202).send(unwrap(await swaps.start(request.body, actorOf(request)))),
  );

  app.get(
    '/api/v1/swaps/:id',
    {
      config: { role: 'viewer' },
      schema: { summary: 'One swap', tags, params: byId, response: { 200: swapView, '4xx': refused } },
    },
    async (request) => unwrap(await swaps.view(request.params.id)),
  );

  app.post(
    '/api/v1/swaps/:id/acts',
    {
      config: { role: 'operator', isIdempotent: true },
      schema: {
        summary: 'Look again now, say that the old unit does not answer, or take the swap back',
        tags,
        params: byId,
        body: swapAct,
        response: { 200: swapView, '4xx': refused },
      },
    },
    async (request) => {
      const { id } = request.params;
      const by = actorOf(request);
      switch (request.body.verb) {
        case 'advance':
          return unwrap(await swaps.advance(id));
        case 'old-is-dead':
          return unwrap(await swaps.oldIsDead(id, by));
        case 'abort':
          return unwrap(await swaps.abort(id, by));
      }
    },
  );
}
