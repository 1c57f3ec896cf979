import {
  addNegative,
  changeConfiguration,
  desiredConfiguration,
  negativeAdded,
  negativeOverview,
  page,
  saleLine,
  serialSchema,
} from '@tsunagu/protocols/fleet';
import { FaultError, secretPan, unwrap } from '@tsunagu/protocols/kit';
import type { ApiApp } from '../app.ts';
import { refused } from '../problems.ts';
import { actorOf } from '../actor.ts';
import { answerPage, listQuery, pageOf } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';

/** From here on the PAN is a secret: the parsed body holds no digits that a log could show. */
const addNegativeSecretly = addNegative.transform(({ pan, reason }) => ({ pan: secretPan(pan), reason }));

/** Daily work: the feed of sales, the desired configuration, the negative list. */
export function operationsRoutes(
  app: ApiApp,
  { sales, twin, negative }: Pick<ApiRooms, 'sales' | 'twin' | 'negative'>,
): void {
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
        header: { name: 'If-Match', says: 'The ETag of the version that is changed, in quotes.', isRequired: true },
      },
      schema: {
        summary: 'Change the desired configuration; If-Match names the version that is changed',
        tags: ['configuration'],
        body: changeConfiguration,
        response: { 200: desiredConfiguration, '4xx': refused },
      },
    },
    async (request, reply) => {
      const base = /^"(\d{1,9})"$/.exec(request.headers['if-match'] ?? '')?.[1];
      if (base === undefined) throw new FaultError({ code: 'PRECONDITION_REQUIRED', field: 'If-Match' });
      const changed = unwrap(await twin.change(Number(base), request.body, actorOf(request)));
      return reply.header('etag', `"${changed.version}"`).send(changed);
    },
  );

  app.get(
    '/api/v1/negative',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The negative list: version, entries newest first, how many terminals have it',
        tags: ['negative'],
        querystring: listQuery,
        response: { 200: negativeOverview, '4xx': refused },
      },
    },
    async (request) => unwrap(await negative.overview(pageOf(request.query))),
  );

  app.post(
    '/api/v1/negative/entries',
    {
      config: { role: 'operator', isIdempotent: true },
      schema: {
        summary: 'List a card at once',
        tags: ['negative'],
        body: addNegativeSecretly,
        response: { 200: negativeAdded, 201: negativeAdded, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { pan, reason } = request.body;
      try {
        const added = unwrap(await negative.add(pan, reason, actorOf(request)));
        return await reply.status(added.already ? 200 : 201).send(added);
      } finally {
        pan.wipe();
      }
    },
  );
}
