import {
  alarmsSeen,
  namedDay,
  page,
  reconcileDay,
  seeSwitchAlarms,
  settleAdvice,
  settleDay,
  switchAdvice,
  switchAlarmFilter,
  switchAlarmView,
  switchDifferences,
  switchLinkOrder,
  switchLinkOrdered,
  switchLinks,
  switchReconciliation,
  switchSearch,
  switchTransaction,
  switchTransactionDetail,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { actorOf } from '../actor.ts';
import type { Changes } from '../../audit/index.ts';
import type { ApiApp } from '../app.ts';
import { answerPage, listQuery, pageOf } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';
import { refused } from '../problems.ts';

const byId = z.object({ id: z.string().max(64) });
const ofDay = z.object({ link: z.string().max(40), day: namedDay });

/** The switch: its links, its journal, what waits for a person, and business days. */
export function switchRoutes(
  app: ApiApp,
  { operator }: Pick<ApiRooms, 'operator'>,
  changes: Pick<Changes, 'about'>,
): void {
  const tags = ['switch'];
  const look = { role: 'viewer' } as const;
  const change = { role: 'operator', isIdempotent: true } as const;

  app.get(
    '/api/v1/switch/links',
    {
      config: look,
      schema: { summary: 'The links of the switch, live', tags, response: { 200: switchLinks, '4xx': refused } },
    },
    async () => ({ items: [...(await operator().links())] }),
  );

  app.post(
    '/api/v1/switch/links/:id/orders',
    {
      config: change,
      schema: {
        summary: 'Sign a link on or off, change its keys, or test it',
        tags,
        params: byId,
        body: switchLinkOrder,
        response: { 202: switchLinkOrdered, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const ordered = unwrap(await operator().order(id, request.body.verb, actorOf(request).subject));
      return await reply.status(202).send(ordered);
    },
  );

  app.get(
    '/api/v1/switch/transactions',
    {
      config: look,
      schema: {
        summary: 'Search the journal by token, last four digits, RRN, terminal, amount, link or state; newest first',
        tags,
        querystring: listQuery.extend(switchSearch.shape),
        response: { 200: page(switchTransaction), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await operator().transactions(query, pageOf(query)))),
  );

  app.get(
    '/api/v1/switch/transactions/:id',
    {
      config: look,
      schema: {
        summary: 'A transaction with all that the journal says of it',
        tags,
        params: byId,
        response: { 200: switchTransactionDetail, '4xx': refused },
      },
    },
    async ({ params }) => unwrap(await operator().transaction(params.id)),
  );

  app.get(
    '/api/v1/switch/advices',
    {
      config: look,
      schema: {
        summary: 'Reversals and postings that issuers have not taken yet, oldest first',
        tags,
        querystring: listQuery.extend({ state: z.enum(['all', 'dead']).default('all') }),
        response: { 200: page(switchAdvice), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await operator().advices(query.state === 'dead', pageOf(query)))),
  );

  app.post(
    '/api/v1/switch/advices/:id/retry',
    {
      config: change,
      schema: { summary: 'Try an advice now', tags, params: byId, response: { 202: z.object({}), '4xx': refused } },
    },
    async (request, reply) => {
      unwrap(await operator().retry(request.params.id, actorOf(request).subject));
      return await reply.status(202).send({});
    },
  );

  app.post(
    '/api/v1/switch/advices/:id/settlement',
    {
      config: change,
      schema: {
        summary: 'Settle an advice by hand: the issuer has it, or need not have it',
        tags,
        params: byId,
        body: settleAdvice,
        response: { 200: z.object({}), '4xx': refused },
      },
    },
    async (request) => {
      unwrap(await operator().settle(request.params.id, actorOf(request).subject, request.body.reason));
      return {};
    },
  );

  app.get(
    '/api/v1/switch/alarms',
    {
      config: look,
      schema: {
        summary: 'Alarms of the switch that nobody has seen yet, newest first',
        tags,
        querystring: listQuery.extend(switchAlarmFilter.shape),
        response: { 200: page(switchAlarmView), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await operator().alarms(query, pageOf(query)))),
  );

  app.post(
    '/api/v1/switch/alarms/seen',
    {
      config: change,
      schema: {
        summary: 'A person has seen all alarms of the switch that a filter finds: they leave the list',
        tags,
        body: seeSwitchAlarms,
        response: { 200: alarmsSeen, '4xx': refused },
      },
    },
    async (request) => {
      changes.about('switch/alarms/seen', request.body);
      return { seen: await operator().seenAll(request.body, actorOf(request).subject) };
    },
  );

  app.post(
    '/api/v1/switch/alarms/:id/seen',
    {
      config: change,
      schema: {
        summary: 'A person has seen an alarm: it leaves the list',
        tags,
        params: byId,
        response: { 200: z.object({}), '4xx': refused },
      },
    },
    async (request) => {
      unwrap(await operator().seen(request.params.id, actorOf(request).subject));
      return {};
    },
  );

  app.get(
    '/api/v1/switch/reconciliations',
    {
      config: look,
      schema: {
        summary: 'Business days that were compared with the far side, newest first',
        tags,
        querystring: listQuery,
        response: { 200: page(switchReconciliation), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await operator().reconciliations(pageOf(query)))),
  );

  app.post(
    '/api/v1/switch/reconciliations',
    {
      config: change,
      schema: {
        summary: 'Compare a business day with an issuer now',
        tags,
        body: reconcileDay,
        response: { 200: switchReconciliation, '4xx': refused },
      },
    },
    async (request) => {
      const { link, day, close } = request.body;
      return unwrap(await operator().reconcile(link, day, close, actorOf(request).subject));
    },
  );

  app.post(
    '/api/v1/switch/reconciliations/:link/:day/settlement',
    {
      config: change,
      schema: {
        summary: 'Close a business day that is held by the figures of one side',
        tags,
        params: ofDay,
        body: settleDay,
        response: { 200: switchReconciliation, '4xx': refused },
      },
    },
    async (request) => {
      const { link, day } = request.params;
      const { figures, reason } = request.body;
      return unwrap(await operator().settleDay(link, day, figures, actorOf(request).subject, reason));
    },
  );

  app.get(
    '/api/v1/switch/reconciliations/:link/:day/differences',
    {
      config: look,
      schema: {
        summary: 'The items of a business day that one side has otherwise than the other',
        tags,
        params: ofDay,
        response: { 200: switchDifferences, '4xx': refused },
      },
    },
    async ({ params }) => ({ items: [...unwrap(await operator().differences(params.link, params.day))] }),
  );
}
