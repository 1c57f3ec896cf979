import {
  deathCertificate,
  lifePaths,
  serialSchema,
  wipeCertificate,
  workFigures,
  workOrderView,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { openWork, workEntry } from '@tsunagu/protocols/refurbish';
import { z } from 'zod';
import { byId } from '../by-id.ts';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import type { ApiRooms } from '../ports.ts';
import { refused } from '../problems.ts';

/** The refurbish workshop. */
export function refurbishRoutes(app: ApiApp, { refurbish }: Pick<ApiRooms, 'refurbish'>): void {
  const tags = ['workshop'];
  app.get(
    lifePaths.workOrders,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Work orders, open ones first; the last 500',
        tags,
        response: { 200: z.object({ items: z.array(workOrderView) }), '4xx': refused },
      },
    },
    async () => ({ items: [...(await refurbish.list())] }),
  );

  app.post(
    lifePaths.workOrders,
    {
      config: { role: 'technician', isIdempotent: true },
      schema: {
        summary: 'Take a terminal in',
        tags,
        body: openWork,
        response: { 201: workOrderView, '4xx': refused },
      },
    },
    async (request, reply) => reply.status(201).send(unwrap(await refurbish.open(request.body, actorOf(request)))),
  );

  app.get(
    '/api/v1/workshop/orders/:id',
    {
      config: { role: 'viewer' },
      schema: { summary: 'One work order', tags, params: byId, response: { 200: workOrderView, '4xx': refused } },
    },
    async (request) => unwrap(await refurbish.view(request.params.id)),
  );

  app.post(
    '/api/v1/workshop/orders/:id/entries',
    {
      config: { role: 'technician', isIdempotent: true },
      schema: {
        summary: 'Note what was done: diagnosis, part, labour, bench test, vendor, end',
        tags,
        params: byId,
        body: workEntry,
        response: { 200: workOrderView, '4xx': refused },
      },
    },
    async (request) => unwrap(await refurbish.add(request.params.id, request.body, actorOf(request))),
  );

  app.get(
    lifePaths.workFigures,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Reuse, yield by fault, cost and days a redeployment, waste and CO2 avoided',
        tags,
        querystring: z.object({ from: z.iso.date(), to: z.iso.date() }),
        response: { 200: workFigures, '4xx': refused },
      },
    },
    async ({ query: { from, to } }) => {
      const { repairYield, ...rest } = await refurbish.figures(Date.parse(from), Date.parse(to) + 86_400_000);
      return { ...rest, repairYield: [...repairYield] };
    },
  );

  app.get(
    '/api/v1/terminals/:serial/wipe-certificate',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The last wipe that a terminal swore to, with all that is needed to check it',
        tags,
        params: z.object({ serial: serialSchema }),
        response: { 200: wipeCertificate, '4xx': refused },
      },
    },
    async (request) => unwrap(await refurbish.wiped(request.params.serial)),
  );

  app.get(
    '/api/v1/terminals/:serial/death-certificate',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What became of a terminal that was scrapped',
        tags,
        params: z.object({ serial: serialSchema }),
        response: { 200: deathCertificate, '4xx': refused },
      },
    },
    async (request) => unwrap(await refurbish.death(request.params.serial)),
  );
}
