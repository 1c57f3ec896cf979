import { models } from '@tsunagu/protocols/catalogue';
import {
  alarmsSeen,
  approvalKinds,
  heldRevocation,
  job,
  modelSummary,
  overview,
  page,
  registeredTerminal,
  registerTerminal,
  reportTrouble,
  seeTerminalAlarms,
  serialSchema,
  startPayment,
  startSlip,
  switchAlarmView,
  startTrace,
  startTestSale,
  startTotals,
  terminalAlarmFilter,
  terminalDetail,
  terminalFilter,
  terminalSorts,
  terminalSummary,
  timelineEntry,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { byId } from '../by-id.ts';
import type { Changes } from '../../audit/index.ts';
import type { ApiApp } from '../app.ts';
import { refused } from '../problems.ts';
import { actorOf } from '../actor.ts';
import { answerPage, listQuery, pageOf } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';

const bySerial = z.object({ serial: serialSchema });

/** The estate: the fleet at a glance, its models, its terminals and what they are asked to do. */
export function fleetRoutes(
  app: ApiApp,
  { estate, selection, revocations, jobs }: Pick<ApiRooms, 'estate' | 'selection' | 'revocations' | 'jobs'>,
  changes: Pick<Changes, 'about'>,
): void {
  app.get(
    '/api/v1/overview',
    {
      config: { role: 'viewer' },
      schema: { summary: 'The fleet at a glance', tags: ['fleet'], response: { 200: overview, '4xx': refused } },
    },
    async () => estate.overview(),
  );

  app.get(
    '/api/v1/models',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The catalogue of terminal models',
        tags: ['fleet'],
        response: { 200: z.object({ items: z.array(modelSummary) }), '4xx': refused },
      },
    },
    async () => ({ items: modelSummaries }),
  );

  app.get(
    '/api/v1/terminals',
    {
      config: { role: 'viewer', isPlaced: true },
      schema: {
        summary: 'Terminals: filtered, and by serial or by when they were registered',
        tags: ['terminals'],
        querystring: listQuery.extend({ ...terminalFilter, sort: z.enum(terminalSorts).default('serial') }),
        response: { 200: page(terminalSummary), '4xx': refused },
      },
    },
    async (request) => {
      const { limit, cursor, sort, ...filter } = request.query;
      const { places } = actorOf(request);
      return answerPage(
        unwrap(await selection.list({ ...pageOf({ limit, cursor }), sort, filter: { ...filter, places } })),
      );
    },
  );

  app.post(
    '/api/v1/terminals',
    {
      config: { role: 'operator', isIdempotent: true },
      schema: {
        summary: 'Put a terminal on the inventory; the answer holds its claim secret, once',
        tags: ['terminals'],
        body: registerTerminal,
        response: { 201: registeredTerminal, '4xx': refused },
      },
    },
    async (request, reply) =>
      reply.status(201).send({ claim: unwrap(await estate.register(request.body, actorOf(request))) }),
  );

  app.get(
    '/api/v1/terminals/:serial',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'One terminal',
        tags: ['terminals'],
        params: bySerial,
        response: { 200: terminalDetail, '4xx': refused },
      },
    },
    async (request) => unwrap(await estate.terminal(request.params.serial)),
  );

  app.get(
    '/api/v1/alarms',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Alarms of all terminals that nobody has seen yet, newest first',
        tags: ['fleet'],
        querystring: listQuery.extend(terminalAlarmFilter.shape),
        response: { 200: page(switchAlarmView), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await estate.alarms(query, pageOf(query)))),
  );

  app.post(
    '/api/v1/alarms/seen',
    {
      config: { role: 'operator', isIdempotent: true },
      schema: {
        summary: 'A person has seen all alarms of terminals that a filter finds: they leave the list',
        tags: ['fleet'],
        body: seeTerminalAlarms,
        response: { 200: alarmsSeen, '4xx': refused },
      },
    },
    async (request) => {
      changes.about('alarms/seen', request.body);
      return { seen: await estate.alarmsSeen(request.body, actorOf(request)) };
    },
  );

  app.post(
    '/api/v1/alarms/:id/seen',
    {
      config: { role: 'operator', isIdempotent: true },
      schema: {
        summary: 'A person has seen an alarm of a terminal: it leaves the list',
        tags: ['fleet'],
        params: byId,
        response: { 200: z.object({}), '4xx': refused },
      },
    },
    async (request) => {
      unwrap(await estate.alarmSeen(request.params.id, actorOf(request)));
      return {};
    },
  );

  app.get(
    '/api/v1/terminals/:serial/timeline',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What happened to a terminal, newest first',
        tags: ['terminals'],
        params: bySerial,
        querystring: listQuery,
        response: { 200: page(timelineEntry), '4xx': refused },
      },
    },
    async (request) => answerPage(unwrap(await estate.timeline(request.params.serial, pageOf(request.query)))),
  );

  app.post(
    '/api/v1/terminals/:serial/trouble',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Say why a terminal does not run, for one that cannot say it; its next hello ends it',
        tags: ['terminals'],
        params: bySerial,
        body: reportTrouble,
        response: { 200: terminalDetail, '4xx': refused },
      },
    },
    async (request) => {
      unwrap(await estate.trouble(request.params.serial, request.body));
      return unwrap(await estate.terminal(request.params.serial));
    },
  );

  app.post(
    '/api/v1/terminals/:serial/recount',
    {
      config: { role: 'operator' },
      schema: {
        summary: 'Count the boots of a terminal anew: its storage was restored, or a copy had gone ahead of it',
        tags: ['terminals'],
        params: bySerial,
        response: { 200: terminalDetail, '4xx': refused },
      },
    },
    async (request) => {
      unwrap(await estate.recount(request.params.serial));
      return unwrap(await estate.terminal(request.params.serial));
    },
  );

  app.delete(
    '/api/v1/terminals/:serial/certificate',
    {
      config: { role: 'operator', further: [approvalKinds.revocation.order] },
      schema: {
        summary:
          'Revoke a terminal: its connections end at once, and it is enrolled again only after its claim was issued again; more than ten a day wait for a second person',
        tags: ['terminals'],
        params: bySerial,
        response: { 200: terminalDetail, 202: heldRevocation, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { serial } = request.params;
      unwrap(await estate.terminal(serial));
      const approval = unwrap(await revocations.order([serial], actorOf(request)));
      if (approval !== undefined) return reply.status(202).send({ approval });
      return unwrap(await estate.terminal(serial));
    },
  );

  app.post(
    '/api/v1/terminals/:serial/test-sales',
    {
      config: { role: 'technician', isIdempotent: true },
      schema: {
        summary: 'Have a terminal make a sale with a card of its emulated reader',
        tags: ['terminals'],
        params: bySerial,
        body: startTestSale,
        response: { 202: job, '4xx': refused },
      },
    },
    async (request, reply) => {
      const started = unwrap(
        await jobs.start(request.params.serial, { type: 'sale.test', params: request.body }, actorOf(request)),
      );
      return reply.status(202).header('location', `/api/v1/jobs/${started.id}`).send(started);
    },
  );

  app.post(
    '/api/v1/terminals/:serial/payments',
    {
      config: { role: 'technician', isIdempotent: true },
      schema: {
        summary:
          'Have a terminal make a payment: sale, authorisation or balance with a card of its emulated reader; void, refund or completion of an earlier one',
        tags: ['terminals'],
        params: bySerial,
        body: startPayment,
        response: { 202: job, '4xx': refused },
      },
    },
    async (request, reply) => {
      const started = unwrap(
        await jobs.start(request.params.serial, { type: 'payment.run', params: request.body }, actorOf(request)),
      );
      return reply.status(202).header('location', `/api/v1/jobs/${started.id}`).send(started);
    },
  );

  app.post(
    '/api/v1/terminals/:serial/totals',
    {
      config: { role: 'technician', isIdempotent: true },
      schema: {
        summary: 'Ask a terminal for its daily totals, or have it close its business day',
        tags: ['terminals'],
        params: bySerial,
        body: startTotals,
        response: { 202: job, '4xx': refused },
      },
    },
    async (request, reply) => {
      const started = unwrap(
        await jobs.start(request.params.serial, { type: 'payment.totals', params: request.body }, actorOf(request)),
      );
      return reply.status(202).header('location', `/api/v1/jobs/${started.id}`).send(started);
    },
  );

  app.post(
    '/api/v1/terminals/:serial/slips',
    {
      config: { role: 'technician', isIdempotent: true },
      schema: {
        summary: 'Have a terminal print a slip as text, ESC/POS or PDF; the document is in the finished job',
        tags: ['terminals'],
        params: bySerial,
        body: startSlip,
        response: { 202: job, '4xx': refused },
      },
    },
    async (request, reply) => {
      const started = unwrap(
        await jobs.start(request.params.serial, { type: 'slip.print', params: request.body }, actorOf(request)),
      );
      return reply.status(202).header('location', `/api/v1/jobs/${started.id}`).send(started);
    },
  );

  app.post(
    '/api/v1/terminals/:serial/traces',
    {
      config: { role: 'technician', isIdempotent: true },
      schema: {
        summary:
          'Ask a terminal what its kernel did in a payment; the trace is in the finished job, and holds no account data',
        tags: ['terminals'],
        params: bySerial,
        body: startTrace,
        response: { 202: job, '4xx': refused },
      },
    },
    async (request, reply) => {
      const started = unwrap(
        await jobs.start(request.params.serial, { type: 'trace.show', params: request.body }, actorOf(request)),
      );
      return reply.status(202).header('location', `/api/v1/jobs/${started.id}`).send(started);
    },
  );

  app.get(
    '/api/v1/jobs/:id',
    {
      config: { role: 'viewer', isOfJob: true },
      schema: {
        summary: 'One job, its steps and its outcome',
        tags: ['jobs'],
        params: byId,
        response: { 200: job, '4xx': refused },
      },
    },
    async (request) => unwrap(await jobs.job(request.params.id)),
  );
}

const modelSummaries: z.infer<typeof modelSummary>[] = models.map((model) => ({
  id: model.id,
  maker: model.maker,
  year: model.since.year,
  family: model.family,
  readers: [...model.readers],
  abilities: {
    offline: model.offline,
    printer: model.printer,
    screen: model.screen,
    relay: model.relay,
    negativeFileBytesMax: model.negativeFileBytesMax,
  },
}));
