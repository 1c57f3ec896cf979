import {
  approvalKinds,
  deathCertificate,
  harvestedPart,
  keyRecord,
  lifePaths,
  page,
  partStockView,
  serialSchema,
  stockEntry,
  wipeCertificate,
  workFigures,
  workOrderView,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { openWork, partNumber, stockMove, workEntry } from '@tsunagu/protocols/refurbish';
import { z } from 'zod';
import { deathPdf } from '../../refurbish/index.ts';
import { byId } from '../by-id.ts';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { answerPage, daysQuery, flag, listQuery, openQuery, pageOf } from '../list-query.ts';
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
        summary: 'Work orders, newest first',
        tags,
        querystring: openQuery,
        response: { 200: page(workOrderView), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await refurbish.list({ isOpen: query.open === 'true' }, pageOf(query)))),
  );

  app.get(
    lifePaths.workParts,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Parts that were taken out of terminals, and what became of each; newest first',
        tags,
        querystring: listQuery.extend({
          part: z.string().max(40).optional().describe('Part number.'),
          lying: flag.describe('Only those that were not fitted yet.'),
        }),
        response: { 200: page(harvestedPart), '4xx': refused },
      },
    },
    async ({ query }) =>
      answerPage(unwrap(await refurbish.parts({ part: query.part, isLying: query.lying === 'true' }, pageOf(query)))),
  );

  app.get(
    lifePaths.workStock,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Bought parts, and how many lie there; by part number',
        tags,
        querystring: listQuery.extend({ low: flag.describe('Only those of which there are too few.') }),
        response: { 200: page(partStockView), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await refurbish.stock({ isLow: query.low === 'true' }, pageOf(query)))),
  );

  app.get(
    lifePaths.workStockMoves,
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What was done to the stock of a bought part, newest first',
        tags,
        querystring: listQuery.extend({ part: partNumber }),
        response: { 200: page(stockEntry), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await refurbish.stockMoves(query.part, pageOf(query)))),
  );

  app.post(
    lifePaths.workStockMoves,
    {
      config: { role: 'technician', isIdempotent: true },
      schema: {
        summary: 'Note what was done to a stock: received, counted, adjusted; or how few are too few',
        tags,
        body: stockMove,
        response: { 200: partStockView, '4xx': refused },
      },
    },
    async (request) => unwrap(await refurbish.moveStock(request.body, actorOf(request))),
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
      // What a vendor kept ends its life.
      config: { role: 'technician', further: [approvalKinds.lifecycle.order], isIdempotent: true },
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
        querystring: daysQuery,
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
    async (request) => unwrap(await refurbish.death(request.params.serial)).certificate,
  );

  app.get(
    '/api/v1/terminals/:serial/death-certificate/record',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The same, signed by the house: it is verified without the server',
        tags,
        params: z.object({ serial: serialSchema }),
        response: { 200: keyRecord, '4xx': refused },
      },
    },
    async (request) => unwrap(await refurbish.death(request.params.serial)).record,
  );

  app.get(
    '/api/v1/terminals/:serial/death-certificate/report',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Its print as PDF, base64',
        tags,
        params: z.object({ serial: serialSchema }),
        querystring: z.object({ lang: z.enum(['ja', 'en']).default('en') }),
        response: { 200: z.object({ pdf: z.base64() }), '4xx': refused },
      },
    },
    async (request) => {
      const { certificate, record } = unwrap(await refurbish.death(request.params.serial));
      const pdf = await deathPdf(certificate, record.document.kid, request.query.lang);
      return { pdf: Buffer.from(pdf).toString('base64') };
    },
  );
}
