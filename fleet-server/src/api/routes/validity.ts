import { handInValidity, page, validityAnswers, validityFile, validityFileDetail } from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { validityFileLimits } from '@tsunagu/protocols/validity';
import { z } from 'zod';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { answerPage, listQuery, pageOf } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';
import { refused } from '../problems.ts';

const byId = z.object({ id: z.string().max(64) });

/** Validity checks in files: handed in for a merchant centre, followed, and answered. */
export function validityRoutes(app: ApiApp, { validity }: Pick<ApiRooms, 'validity'>): void {
  const tags = ['switch'];
  const look = { role: 'viewer' } as const;

  app.post(
    '/api/v1/switch/validity-files',
    {
      config: { role: 'operator', isIdempotent: true },
      // Line breaks are written as two characters in JSON.
      bodyLimit: validityFileLimits.bytesMax + 1_048_576,
      schema: {
        summary:
          'Hand in a file of cards that a merchant centre asks about; every card is on disk when this is answered',
        tags,
        body: handInValidity,
        response: { 201: validityFileDetail, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { link, text } = request.body;
      return await reply.status(201).send(unwrap(await validity().handIn(link, text, actorOf(request).subject)));
    },
  );

  app.get(
    '/api/v1/switch/validity-files',
    {
      config: look,
      schema: {
        summary: 'Files of validity checks, newest first',
        tags,
        querystring: listQuery,
        response: { 200: page(validityFile), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await validity().list(pageOf(query)))),
  );

  app.get(
    '/api/v1/switch/validity-files/:id',
    {
      config: look,
      schema: {
        summary: 'How far a file of validity checks is, and which lines were not taken',
        tags,
        params: byId,
        response: { 200: validityFileDetail, '4xx': refused },
      },
    },
    async ({ params }) => unwrap(await validity().show(params.id)),
  );

  app.get(
    '/api/v1/switch/validity-files/:id/answers',
    {
      config: look,
      schema: {
        summary: 'The answers to a file that is done, sealed for its sender',
        tags,
        params: byId,
        response: { 200: validityAnswers, '4xx': refused },
      },
    },
    async ({ params }) => unwrap(await validity().answers(params.id)),
  );
}
