import {
  actOnCampaign,
  approvalKinds,
  askWhy,
  campaignDetail,
  campaignDryRun,
  campaignException,
  campaignSpec,
  campaignSummary,
  page,
  whyAnswer,
} from '@tsunagu/protocols/fleet';
import { FaultError, unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { answerPage, listQuery, pageOf } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';
import { refused } from '../problems.ts';

/** Ten thousand serials are some 400 kB. */
const whyBytesMax = 1_048_576;
const id = z.object({ id: z.string().max(64) });
/** Campaigns, and why a terminal has not got something. */
export function campaignRoutes(app: ApiApp, { campaigns }: Pick<ApiRooms, 'campaigns'>): void {
  const tags = ['campaigns'];
  const look = { role: 'viewer' } as const;
  const change = { role: 'operator', isIdempotent: true } as const;

  app.get(
    '/api/v1/campaigns',
    {
      config: look,
      schema: {
        summary: 'Campaigns, newest first',
        tags,
        querystring: listQuery,
        response: { 200: page(campaignSummary), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await campaigns.list(pageOf(query)))),
  );

  app.post(
    '/api/v1/campaigns',
    {
      config: { permission: 'campaigns.order', isIdempotent: true },
      schema: {
        summary: 'Propose a campaign; it begins when a second person approves it',
        tags,
        body: campaignSpec,
        response: { 201: campaignDetail, '4xx': refused },
      },
    },
    async (request, reply) => {
      const made = unwrap(await campaigns.create(request.body, actorOf(request)));
      return await reply
        .status(201)
        .header('location', `/api/v1/campaigns/${made.id}`)
        .header('etag', `"${made.version}"`)
        .send(made);
    },
  );

  app.post(
    '/api/v1/campaigns/dry-runs',
    {
      config: look,
      schema: {
        summary: 'Say whom a campaign would reach, who is left out and why, and who would have to wait',
        tags,
        body: campaignSpec,
        response: { 200: campaignDryRun, '4xx': refused },
      },
    },
    async ({ body }) => unwrap(await campaigns.dryRun(body)),
  );

  app.get(
    '/api/v1/campaigns/:id',
    {
      config: look,
      schema: {
        summary: 'A campaign with its rings, gates and history; its version is the ETag',
        tags,
        params: id,
        response: { 200: campaignDetail, '4xx': refused },
      },
    },
    async ({ params }, reply) => {
      const found = unwrap(await campaigns.get(params.id));
      return await reply.header('etag', `"${found.version}"`).send(found);
    },
  );

  app.post(
    '/api/v1/campaigns/:id/acts',
    {
      config: {
        ...change,
        further: [approvalKinds.campaign.approve],
        header: { name: 'If-Match', says: 'The ETag of the version that was looked at, in quotes; without it, any.' },
      },
      schema: {
        summary: 'Approve, reject, pause, resume, promote, abort or roll back',
        tags,
        params: id,
        body: actOnCampaign,
        response: { 200: campaignDetail, '4xx': refused },
      },
    },
    async (request, reply) => {
      const match = request.headers['if-match'];
      const version = match === undefined ? undefined : /^"(\d{1,9})"$/.exec(match)?.[1];
      if (match !== undefined && version === undefined)
        throw new FaultError({ code: 'INPUT_INVALID', field: 'If-Match' });
      const { verb, reason } = request.body;
      const acted = unwrap(
        await campaigns.act(
          request.params.id,
          verb,
          actorOf(request),
          reason,
          version === undefined ? undefined : Number(version),
        ),
      );
      return await reply.header('etag', `"${acted.version}"`).send(acted);
    },
  );

  app.get(
    '/api/v1/campaigns/:id/exceptions',
    {
      config: look,
      schema: {
        summary: 'Terminals of a campaign that failed or are tried again',
        tags,
        params: id,
        querystring: listQuery,
        response: { 200: page(campaignException), '4xx': refused },
      },
    },
    async ({ params, query }) => answerPage(unwrap(await campaigns.exceptions(params.id, pageOf(query)))),
  );

  app.post(
    '/api/v1/why',
    {
      bodyLimit: whyBytesMax,
      config: look,
      schema: {
        summary:
          'Why terminals have not got something, and when it is tried next; by serial or by query, up to 10,000 at once',
        tags,
        body: askWhy,
        response: { 200: whyAnswer, '4xx': refused },
      },
    },
    async ({ body }) => answerPage(unwrap(await campaigns.why(body))),
  );
}
