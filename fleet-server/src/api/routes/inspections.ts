import {
  deviceListEntry,
  inspectionPlan,
  inspectionTaken,
  lifePaths,
  page,
  planInspections,
  signedDocument,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { answerPage, flag, listQuery, pageOf } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';
import { refused } from '../problems.ts';

/** The list of devices, and the rounds in which they are looked at. */
export function inspectionRoutes(app: ApiApp, { inspections }: Pick<ApiRooms, 'inspections'>): void {
  const tags = ['inspections'];
  const plans = z.object({ items: z.array(inspectionPlan) });
  app.get(
    lifePaths.inspectionPlans,
    {
      config: { role: 'viewer' },
      schema: { summary: 'How often which shop is looked at', tags, response: { 200: plans, '4xx': refused } },
    },
    async () => ({ items: [...(await inspections.plans())] }),
  );

  app.post(
    lifePaths.inspectionPlans,
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Plan the rounds of a shop, or change how often',
        tags,
        body: planInspections,
        response: { 200: plans, '4xx': refused },
      },
    },
    async (request) => {
      unwrap(await inspections.plan(request.body, actorOf(request)));
      return { items: [...(await inspections.plans())] };
    },
  );

  app.post(
    lifePaths.inspections,
    {
      config: { role: 'technician' },
      schema: {
        summary: 'Deliver a signed report; delivered again it changes nothing',
        tags,
        body: signedDocument,
        response: { 200: inspectionTaken, '4xx': refused },
      },
    },
    async (request) => ({ findings: [...unwrap(await inspections.deliver(request.body, actorOf(request)))] }),
  );

  app.get(
    lifePaths.devices,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The list of PCI DSS 9.5.1.1 with the last inspection of each; a page of overdue ones may be short',
        tags,
        querystring: listQuery.extend({ overdue: flag }),
        response: { 200: page(deviceListEntry), '4xx': refused },
      },
    },
    async ({ query: { overdue, ...query } }) =>
      answerPage(unwrap(await inspections.list({ ...pageOf(query), overdue: overdue === 'true' }))),
  );
}
