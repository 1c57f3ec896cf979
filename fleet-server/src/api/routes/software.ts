import {
  artefactDigest,
  attestSoftware,
  job,
  page,
  publishSoftware,
  serialSchema,
  softwareAttestation,
  softwareImage,
  softwareKeys,
  softwareMetadataFile,
  softwareRoles,
  softwareTarget,
  startSoftware,
} from '@tsunagu/protocols/fleet';
import { FaultError, unwrap } from '@tsunagu/protocols/kit';
import { softwareBytesMax } from '@tsunagu/protocols/software';
import { z } from 'zod';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { refused } from '../problems.ts';
import type { ApiRooms } from '../ports.ts';

const targetsQuery = z.object({
  model: z.string().max(32).optional().describe('Only targets for this model.'),
  limit: z.coerce.number().int().min(1).max(200).default(100).describe('Items on a page.'),
  cursor: z.string().max(128).optional().describe('Path of the last target of the page before.'),
});

/** Software images, the repository that vouches for them, and what terminals are told to do with them. */
export function softwareRoutes(
  app: ApiApp,
  { software, estate, jobs }: Pick<ApiRooms, 'software' | 'estate' | 'jobs'>,
): void {
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  const tags = ['software'];

  app.get(
    '/api/v1/software',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Images that the signed targets name, by model, newest version first, with what they require',
        tags,
        querystring: targetsQuery,
        response: { 200: page(softwareTarget), '4xx': refused },
      },
    },
    async (request) => {
      const { model, limit, cursor } = request.query;
      const listed = (await software.targets()).filter((target) => model === undefined || target.model === model);
      const start = cursor === undefined ? 0 : listed.findIndex(({ path }) => path === cursor) + 1;
      const items = listed.slice(start, start + limit);
      const next = start + limit < listed.length ? (items.at(-1)?.path ?? null) : null;
      return { items, next };
    },
  );

  app.post(
    '/api/v1/software',
    {
      bodyLimit: softwareBytesMax,
      config: { role: 'operator' },
      schema: {
        summary: 'Upload a software image (application/octet-stream); the answer names it',
        tags,
        response: { 201: softwareImage, '4xx': refused },
      },
    },
    async (request, reply) => {
      if (!Buffer.isBuffer(request.body)) throw new FaultError({ code: 'MEDIA_TYPE_UNSUPPORTED' });
      return reply.status(201).send(unwrap(await software.upload(request.body)));
    },
  );

  app.get(
    '/api/v1/software/keys',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Public keys of the roles that the server signs: a root has to name them',
        tags,
        response: { 200: softwareKeys, '4xx': refused },
      },
    },
    () => software.keys(),
  );

  app.post(
    '/api/v1/software/keys',
    {
      config: { role: 'operator', isIdempotent: true },
      schema: {
        summary: 'Make new keys for the roles that the server signs; they count when a root names them',
        tags,
        response: { 201: softwareKeys, '4xx': refused },
      },
    },
    async (_request, reply) => reply.status(201).send(await software.renewKeys()),
  );

  app.get(
    '/api/v1/software/roles',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Roles of the repository: version, keys, and when what they signed expires',
        tags,
        response: { 200: softwareRoles, '4xx': refused },
      },
    },
    () => ({ items: [...software.expiries()] }),
  );

  app.get(
    '/api/v1/software/metadata/:file',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'A file of the repository (TUF 1.0), as terminals get it',
        tags,
        params: z.object({ file: softwareMetadataFile }),
        response: { 200: z.unknown().describe('The metadata.'), '4xx': refused },
      },
    },
    async (request, reply) => {
      const bytes = await software.metadata(request.params.file);
      if (!bytes) throw new FaultError({ code: 'ARTEFACT_UNKNOWN' });
      return reply.type('application/json').send(JSON.parse(Buffer.from(bytes).toString('utf8')));
    },
  );

  app.post(
    '/api/v1/software/metadata',
    {
      bodyLimit: 1_048_576,
      config: { role: 'operator', isIdempotent: true },
      schema: {
        summary:
          'Publish a root, targets, or both, signed by people; the server announces them by snapshot and timestamp',
        tags,
        body: publishSoftware,
        response: { 201: softwareRoles, '4xx': refused },
      },
    },
    async (request, reply) => reply.status(201).send({ items: [...unwrap(await software.publish(request.body))] }),
  );

  app.post(
    '/api/v1/software/:digest/attestations',
    {
      bodyLimit: 262_144,
      config: { role: 'operator', isIdempotent: true },
      schema: {
        summary:
          'Bind an attestation of a bridge to an image: by the key that its target names, all green, its nonce the digest',
        tags,
        params: z.object({ digest: artefactDigest }),
        body: attestSoftware,
        response: { 201: softwareAttestation, '4xx': refused },
      },
    },
    async (request, reply) =>
      reply.status(201).send(unwrap(await software.attest(request.params.digest, request.body.attestation))),
  );

  app.post(
    '/api/v1/terminals/:serial/software',
    {
      config: { role: 'operator', isIdempotent: true },
      schema: {
        summary:
          'Have a terminal install a published image: beside the running one, tried for one boot, kept when it proves itself',
        tags,
        params: z.object({ serial: serialSchema }),
        body: startSoftware,
        response: { 202: job, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { serial } = request.params;
      const terminal = unwrap(await estate.terminal(serial));
      const of = { model: terminal.model, version: terminal.software?.version };
      unwrap(software.inTime());
      const params = unwrap(await software.order(request.body, of));
      const started = unwrap(await jobs.start(serial, { type: 'software.install', params }, actorOf(request)));
      return reply.status(202).header('location', `/api/v1/jobs/${started.id}`).send(started);
    },
  );
}
