import { job, serialSchema, softwareImage, startSoftware } from '@tsunagu/protocols/fleet';
import { FaultError, unwrap } from '@tsunagu/protocols/kit';
import { softwareBytesMax } from '@tsunagu/protocols/software';
import { z } from 'zod';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { refused } from '../problems.ts';
import type { ApiRooms } from '../ports.ts';

/** Software images, and what terminals are told to do with them. */
export function softwareRoutes(
  app: ApiApp,
  { software, estate, jobs }: Pick<ApiRooms, 'software' | 'estate' | 'jobs'>,
): void {
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );

  app.post(
    '/api/v1/software',
    {
      bodyLimit: softwareBytesMax,
      config: { role: 'operator' },
      schema: {
        summary: 'Upload a software image (application/octet-stream); the answer names it',
        tags: ['software'],
        response: { 201: softwareImage, '4xx': refused },
      },
    },
    async (request, reply) => {
      if (!Buffer.isBuffer(request.body)) throw new FaultError({ code: 'MEDIA_TYPE_UNSUPPORTED' });
      return reply.status(201).send(unwrap(await software.upload(request.body)));
    },
  );

  app.post(
    '/api/v1/terminals/:serial/software',
    {
      config: { role: 'operator', isIdempotent: true },
      schema: {
        summary:
          'Have a terminal install an uploaded image: beside the running one, tried for one boot, kept when it proves itself',
        tags: ['software'],
        params: z.object({ serial: serialSchema }),
        body: startSoftware,
        response: { 202: job, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { serial } = request.params;
      const { digest, proofTimeoutMs } = request.body;
      const { model, ...params } = unwrap(await software.order(digest, proofTimeoutMs));
      const terminal = unwrap(await estate.terminal(serial));
      if (terminal.model !== model)
        throw new FaultError({ code: 'SOFTWARE_NOT_FOR_MODEL', facts: { model: terminal.model, made: model } });
      const started = unwrap(await jobs.start(serial, { type: 'software.install', params }, actorOf(request)));
      return reply.status(202).header('location', `/api/v1/jobs/${started.id}`).send(started);
    },
  );
}
