import { gunzipSync } from 'node:zlib';
import {
  approvalKinds,
  cancelJobs,
  cancelledJobs,
  carriedJobsOfMany,
  carryJobs,
  job,
  jobOfMany,
  jobQuery,
  jobsCancelledMax,
  orderJob,
  page,
  policyOf,
  serialSchema,
  takenReports,
  takeReports,
} from '@tsunagu/protocols/fleet';
import { FaultError, unwrap } from '@tsunagu/protocols/kit';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { byId } from '../by-id.ts';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { answerPage, listQuery, pageOf } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';
import { refused } from '../problems.ts';

/** A log as a person reads it; a terminal cannot send one that unpacks to more. */
const logCharactersMax = 16 * 1024 * 1024;

/** What one has to be allowed to order a job that cannot be undone. */
const ordersOfJobs = [approvalKinds.wipe.order, approvalKinds.key.order] as const;

/** Everything that is done to terminals: ordered, listed, taken back, done again, approved. */
export function jobRoutes(app: ApiApp, { jobs }: Pick<ApiRooms, 'jobs'>): void {
  app.get(
    '/api/v1/jobs',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Jobs, newest first, without their steps and documents',
        tags: ['jobs'],
        querystring: listQuery.extend(jobQuery.shape),
        response: { 200: page(job), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await jobs.list(query, pageOf(query)))),
  );

  app.post(
    '/api/v1/terminals/:serial/jobs',
    {
      config: { permission: 'fleet.field', further: ['fleet.operate', ...ordersOfJobs], isIdempotent: true },
      schema: {
        summary:
          'Order a job of any kind, whoever works in the field those that can be ordered in bulk; one that cannot be undone is held until a second person approves it',
        tags: ['jobs'],
        params: z.object({ serial: serialSchema }),
        body: orderJob,
        response: { 202: job, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { job: body, priority, notBefore, notAfter, reference } = request.body;
      if (!policyOf(body.type).isForPeople)
        throw new FaultError({ code: 'JOB_KIND_NOT_FOR_PEOPLE', field: 'job.type' });
      const by = actorOf(request);
      // What whoever works in the field may order of a thousand terminals they may order of one.
      if (!jobOfMany.safeParse(body).success && !by.permissions.has('fleet.operate'))
        throw new FaultError({ code: 'ROLE_INSUFFICIENT', facts: { needs: 'fleet.operate' } });
      const ordering = { priority, notBefore: momentOf(notBefore), notAfter: momentOf(notAfter), reference };
      return accepted(reply, unwrap(await jobs.start(request.params.serial, body, by, ordering)));
    },
  );

  app.post(
    '/api/v1/jobs/cancellations',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Take back the open jobs of a reference, terminal, kind or state: 1,000 a request',
        tags: ['jobs', 'bulk'],
        body: cancelJobs,
        response: { 200: cancelledJobs, '4xx': refused },
      },
    },
    async (request) => {
      const { dryRun, ...selection } = request.body;
      const taken = await jobs.cancelMany(selection, actorOf(request), !dryRun, jobsCancelledMax);
      const items = taken.jobs.map(({ id, serial, type, state }) => ({
        job: id,
        serial,
        type,
        state,
        ok: true,
        code: null,
      }));
      return { dryRun, total: items.length, succeeded: items.length, failed: 0, hasMore: taken.hasMore, items };
    },
  );

  app.post(
    '/api/v1/jobs/carriage',
    {
      config: { permission: 'fleet.field' },
      schema: {
        summary: 'Hand out what waits for terminals without a line, to be carried to them; may be done again',
        tags: ['jobs', 'bulk'],
        body: carryJobs,
        response: { 200: carriedJobsOfMany, '4xx': refused },
      },
    },
    async (request) => {
      const items = [];
      for (const serial of new Set(request.body.serials))
        items.push(unwrap(await jobs.carry(serial, actorOf(request))));
      return { items };
    },
  );

  app.post(
    '/api/v1/jobs/carried-reports',
    {
      config: { permission: 'fleet.field' },
      schema: {
        summary:
          'Take what terminals without a line have signed of their jobs: each for itself, the same twice changes nothing',
        tags: ['jobs', 'bulk'],
        body: takeReports,
        response: { 200: takenReports, '4xx': refused },
      },
    },
    async (request) => {
      const items = [];
      for (const report of request.body.reports) {
        const taken = await jobs.carried(report, actorOf(request));
        const { serial, job: id } = taken.ok
          ? taken.value
          : { serial: String(taken.fault.facts?.['serial'] ?? ''), job: String(taken.fault.facts?.['job'] ?? '') };
        const now = taken.ok ? await jobs.job(id) : undefined;
        items.push({
          serial,
          job: id,
          ok: taken.ok,
          code: taken.ok ? null : taken.fault.code,
          state: now?.ok ? now.value.state : null,
        });
      }
      return { items };
    },
  );

  app.post(
    '/api/v1/jobs/:id/cancellation',
    {
      config: { permission: 'fleet.field', further: ['fleet.operate'], isIdempotent: true, isOfJob: true },
      schema: {
        summary:
          'Take a job back: at once, or by asking the terminal, which has the last word; whoever works in the field those that they ordered themselves',
        tags: ['jobs'],
        params: byId,
        response: { 202: job, '4xx': refused },
      },
    },
    async (request, reply) => {
      const by = actorOf(request);
      const { id } = request.params;
      const isOwn = async (): Promise<boolean> => unwrap(await jobs.job(id)).orderedBy === by.subject;
      if (!by.permissions.has('fleet.operate') && !(await isOwn()))
        throw new FaultError({ code: 'ROLE_INSUFFICIENT', facts: { needs: 'fleet.operate' } });
      return accepted(reply, unwrap(await jobs.cancel(id, by)));
    },
  );

  const changes = {
    retry: ['Order once more what a job that is over was to do', 'retry', 'operator', ordersOfJobs],
    // Whoever may approve its kind: the approval knows.
    approval: [
      'Let a held job go; not by who ordered it',
      'approve',
      'viewer',
      [approvalKinds.wipe.approve, approvalKinds.key.approve],
    ],
  } as const;
  for (const [name, [summary, change, role, further]] of Object.entries(changes))
    app.post(
      `/api/v1/jobs/:id/${name}`,
      {
        config: { role, further, isIdempotent: true, isOfJob: true },
        schema: { summary, tags: ['jobs'], params: byId, response: { 202: job, '4xx': refused } },
      },
      async (request, reply) => accepted(reply, unwrap(await jobs[change](request.params.id, actorOf(request)))),
    );

  app.get(
    '/api/v1/jobs/:id/log',
    {
      config: { role: 'technician', isOfJob: true },
      schema: {
        summary: 'The log that a job pulled: a JSON object a line, without account data',
        tags: ['jobs'],
        params: byId,
        response: { 200: z.string(), '4xx': refused },
      },
    },
    async (request, reply) => {
      const packed = unwrap(await jobs.logs.read(request.params.id));
      return reply.type('text/plain; charset=utf-8').send(unpacked(packed));
    },
  );
}

const momentOf = (time: string | undefined): number | undefined => (time === undefined ? undefined : Date.parse(time));

const accepted = (reply: FastifyReply, made: z.infer<typeof job>): FastifyReply =>
  reply.status(202).header('location', `/api/v1/jobs/${made.id}`).send(made);

/** What a terminal sent is not believed to be what it says it is. */
function unpacked(packed: Uint8Array): string {
  try {
    return gunzipSync(packed, { maxOutputLength: logCharactersMax }).toString('utf8');
  } catch (cause) {
    throw new FaultError({ code: 'JOB_LOG_UNKNOWN', cause });
  }
}
