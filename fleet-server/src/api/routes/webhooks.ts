import {
  changeWebhook,
  createdWebhook,
  createWebhook,
  deliveryState,
  page,
  replayedWebhook,
  replayWebhook,
  serialSchema,
  webhook,
  webhookDelivery,
  webhookSecret,
  type WebhookView,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { byId } from '../by-id.ts';
import { isoTime } from '../../store/index.ts';
import type { Delivery, Webhook, Webhooks } from '../../webhooks/index.ts';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { etagOf, ifMatch, versionOf } from '../if-match.ts';
import { answerPage, listQuery, pageOf, sliceOf } from '../list-query.ts';
import { refused } from '../problems.ts';

/** Where messages go, their secrets, and what became of them. */
export function webhookRoutes(app: ApiApp, webhooks: Webhooks): void {
  const tags = ['webhooks'];
  const config = { permission: 'webhooks.manage', subject: 'webhook' } as const;

  app.get(
    '/api/v1/webhooks',
    {
      config,
      schema: {
        summary: 'Webhooks, oldest first',
        tags,
        querystring: listQuery,
        response: { 200: page(webhook), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(sliceOf((await webhooks.list()).map(webhookView), ({ id }) => id, query))),
  );

  app.post(
    '/api/v1/webhooks',
    {
      config,
      schema: {
        summary: 'Add a webhook; its secret is in the answer, once. It begins with what happens from now on',
        tags,
        body: createWebhook,
        response: { 201: createdWebhook, '4xx': refused },
      },
    },
    async (request, reply) => {
      const made = unwrap(await webhooks.create(request.body, actorOf(request)));
      return reply
        .status(201)
        .header('etag', etagOf(made.webhook.version))
        .send({ ...webhookView(made.webhook), secret: made.secret });
    },
  );

  app.get(
    '/api/v1/webhooks/:id',
    { config, schema: { summary: 'One webhook', tags, params: byId, response: { 200: webhook, '4xx': refused } } },
    async (request, reply) => {
      const found = unwrap(await webhooks.get(request.params.id));
      return reply.header('etag', etagOf(found.version)).send(webhookView(found));
    },
  );

  app.patch(
    '/api/v1/webhooks/:id',
    {
      config: { ...config, header: ifMatch },
      schema: {
        summary: 'Change, pause or take up a webhook',
        tags,
        params: byId,
        body: changeWebhook,
        response: { 200: webhook, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const changed = unwrap(await webhooks.change(id, versionOf(request), request.body, actorOf(request)));
      return reply.header('etag', etagOf(changed.version)).send(webhookView(changed));
    },
  );

  app.delete(
    '/api/v1/webhooks/:id',
    {
      config,
      schema: {
        summary: 'Remove a webhook and what waits for it',
        tags,
        params: byId,
        response: { 204: z.undefined(), '4xx': refused },
      },
    },
    async (request, reply) => {
      unwrap(await webhooks.remove(request.params.id, actorOf(request)));
      return reply.status(204).send();
    },
  );

  app.post(
    '/api/v1/webhooks/:id/secrets',
    {
      config,
      schema: {
        summary: 'Make a new secret; the one before signs beside it for a day',
        tags,
        params: byId,
        response: { 201: webhookSecret, '4xx': refused },
      },
    },
    async (request, reply) =>
      reply.status(201).send(unwrap(await webhooks.rotate(request.params.id, actorOf(request)))),
  );

  app.post(
    '/api/v1/webhooks/:id/replays',
    {
      config,
      schema: {
        summary: 'Send again: from a time or an event on, or what is dead',
        tags,
        params: byId,
        body: replayWebhook,
        response: { 202: replayedWebhook, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const what = 'from' in body ? { from: Date.parse(body.from) } : body;
      const replayed = unwrap(await webhooks.replay(request.params.id, what, actorOf(request)));
      return reply.status(202).send({ ...webhookView(replayed), again: replayed.again });
    },
  );

  app.post(
    '/api/v1/webhooks/:id/attempts',
    {
      config,
      schema: {
        summary: 'Try the receiver now, with what waits for it; otherwise it is tried at `nextAttemptAt`',
        tags,
        params: byId,
        response: { 202: webhook, '4xx': refused },
      },
    },
    async (request, reply) =>
      reply.status(202).send(webhookView(unwrap(await webhooks.tryNow(request.params.id, actorOf(request))))),
  );

  app.get(
    '/api/v1/webhooks/:id/deliveries',
    {
      config,
      schema: {
        summary: 'Messages to a webhook, newest first; `state=dead` lists the dead letters',
        tags,
        params: byId,
        querystring: listQuery.extend({ state: deliveryState.optional(), serial: serialSchema.optional() }),
        response: { 200: page(webhookDelivery), '4xx': refused },
      },
    },
    async ({ params, query: { state, serial, ...query } }) => {
      const { items, next } = unwrap(await webhooks.deliveries(params.id, { ...pageOf(query), state, serial }));
      return answerPage({ items: items.map(deliveryView), next });
    },
  );
}

const time = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));
const webhookView = (found: Webhook): WebhookView => ({
  ...found,
  events: found.events && [...found.events],
  createdAt: isoTime(found.createdAt),
  failingSince: time(found.failingSince),
  nextAttemptAt: time(found.nextAttemptAt),
});
const deliveryView = (row: Delivery): z.infer<typeof webhookDelivery> => ({
  id: row.id,
  message: `evt_${row.event}`,
  serial: serialSchema.parse(row.serial),
  kind: row.kind,
  state: row.state,
  attempt: row.attempt,
  nextAt: row.state === 'pending' ? isoTime(row.next_at) : null,
  createdAt: isoTime(row.created_at),
  endedAt: time(row.ended_at),
  status: row.status,
  fault: row.fault,
});
