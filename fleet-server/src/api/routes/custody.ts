import { once } from 'node:events';
import { holder, signedHandover } from '@tsunagu/protocols/custody';
import {
  custodyAlarmView,
  custodyView,
  holderRevocation,
  lifePaths,
  revokeHolder,
  sealNumber,
  serialSchema,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import type { ApiRooms } from '../ports.ts';
import { refused } from '../problems.ts';

const bySerial = z.object({ serial: serialSchema });

/** In whose hands terminals are. */
export function custodyRoutes(app: ApiApp, { custody }: Pick<ApiRooms, 'custody'>): void {
  const tags = ['custody'];
  const listed = z.object({ items: z.array(holder) });
  app.get(
    lifePaths.custodyHolders,
    {
      config: { role: 'viewer' },
      schema: { summary: 'Whose hands count', tags, response: { 200: listed, '4xx': refused } },
    },
    async () => ({ items: [...(await custody.holders())] }),
  );

  app.post(
    lifePaths.custodyHolders,
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Register a hand by its public key',
        tags,
        body: holder.pick({ name: true, publicKey: true }),
        response: { 200: holder, '4xx': refused },
      },
    },
    async (request) => {
      const { name, publicKey } = request.body;
      return unwrap(await custody.addHolder(name, publicKey, actorOf(request)));
    },
  );

  app.post(
    '/api/v1/custody/holders/:kid/revocation',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Revoke a hand whose key was lost; what was delivered before stays',
        tags,
        params: holder.pick({ kid: true }),
        body: revokeHolder,
        response: { 200: holderRevocation, '4xx': refused },
      },
    },
    async (request) => unwrap(await custody.revokeHolder(request.params.kid, request.body, actorOf(request))),
  );

  app.post(
    lifePaths.custodyHandovers,
    {
      config: { role: 'technician' },
      schema: {
        summary: 'Deliver a hand-over that both hands signed; delivered again it changes nothing',
        tags,
        body: signedHandover,
        response: { 200: custodyView, '4xx': refused },
      },
    },
    async (request) => unwrap(await custody.deliver(request.body, actorOf(request))),
  );

  app.get(
    lifePaths.custodyAlarms,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Terminals that stay too long, or moved with no hand on them; the first 500',
        tags,
        response: { 200: z.object({ items: z.array(custodyAlarmView) }), '4xx': refused },
      },
    },
    async () => ({ items: [...(await custody.alarms())] }),
  );

  app.get(
    lifePaths.custodyExport,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Every chain as JSON lines, for the verifier',
        tags,
        response: {
          200: { description: 'JSON lines.', content: { 'application/x-ndjson': { schema: z.string() } } },
          '4xx': refused,
        },
      },
    },
    async (_request, reply) => {
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
      for await (const line of custody.lines()) if (!raw.write(`${JSON.stringify(line)}\n`)) await once(raw, 'drain');
      raw.end();
    },
  );

  app.get(
    '/api/v1/terminals/:serial/custody',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'In whose hands a terminal is, and how it came there',
        tags,
        params: bySerial,
        response: { 200: custodyView, '4xx': refused },
      },
    },
    async (request) => unwrap(await custody.view(request.params.serial)),
  );

  app.post(
    '/api/v1/terminals/:serial/custody/mismatches',
    {
      config: { role: 'technician' },
      schema: {
        summary: 'Report a bag that is not the one that was sent: the terminal is quarantined',
        tags,
        params: bySerial,
        body: z.strictObject({ seen: sealNumber }),
        response: { 200: custodyView, '4xx': refused },
      },
    },
    async (request) => unwrap(await custody.mismatch(request.params.serial, request.body.seen, actorOf(request))),
  );
}
