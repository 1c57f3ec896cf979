import {
  changeSwitchRules,
  page,
  type PaymentMethodOffers,
  paymentMethodOffers,
  type RouteExplanation,
  type RouteQuestion,
  routeExplanation,
  routeQuestion,
  standInUse,
  switchRuleKind,
  switchRulesView,
  switchRuleVersion,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import type { People } from '../access/people.ts';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { etagOf, ifMatch, versionOf } from '../if-match.ts';
import { answerPage, listQuery, sliceOf } from '../list-query.ts';
import type { SwitchRuleRooms } from '../ports.ts';
import { refused } from '../problems.ts';

const byKind = z.object({ kind: switchRuleKind });
const usesMax = 1_000;

/** Routing, stand-in and contracts of the switch: as they are, as they were, and what they would say. */
export function switchRuleRoutes(app: ApiApp, rooms: SwitchRuleRooms, people: Pick<People, 'find'>): void {
  /** The store keeps who it was; people read their name. */
  const named = <T extends { readonly by: string }>(of: T): T => ({ ...of, by: people.find(of.by)?.name ?? of.by });
  const tags = ['switch'];
  const config = { permission: 'fleet.read' } as const;

  app.get(
    '/api/v1/switch/rules/:kind',
    {
      config,
      schema: {
        summary: 'The rules of a kind that are in force',
        tags,
        params: byKind,
        response: { 200: switchRulesView, '4xx': refused },
      },
    },
    async (request, reply) => {
      const view = unwrap(await rooms.rules.view(request.params.kind));
      return reply.header('etag', etagOf(view.version)).send(named(view));
    },
  );

  app.put(
    '/api/v1/switch/rules/:kind',
    {
      config: { permission: 'fleet.operate', subject: 'switch-rules', header: ifMatch },
      schema: {
        summary: 'Put new rules of a kind in force, for every transaction from then on',
        tags,
        params: byKind,
        body: changeSwitchRules,
        response: { 200: switchRulesView, '4xx': refused },
      },
    },
    async (request, reply) => {
      const { rules, reason } = request.body;
      const view = unwrap(
        await rooms.rules.change(request.params.kind, versionOf(request), rules, reason, actorOf(request).person),
      );
      return reply.header('etag', etagOf(view.version)).send(named(view));
    },
  );

  app.get(
    '/api/v1/switch/rules/:kind/versions',
    {
      config,
      schema: {
        summary: 'Versions of the rules of a kind, newest first',
        tags,
        params: byKind,
        querystring: listQuery,
        response: { 200: page(switchRuleVersion), '4xx': refused },
      },
    },
    async ({ params, query }) =>
      answerPage(
        unwrap(sliceOf((await rooms.rules.versions(params.kind)).map(named), ({ version }) => String(version), query)),
      ),
  );

  app.get(
    '/api/v1/switch/rules/:kind/versions/:version',
    {
      config,
      schema: {
        summary: 'The rules of a kind as they were',
        tags,
        params: byKind.extend({ version: z.coerce.number().int().min(1) }),
        response: { 200: switchRulesView, '4xx': refused },
      },
    },
    async ({ params }) => named(unwrap(await rooms.rules.view(params.kind, params.version))),
  );

  app.post(
    '/api/v1/switch/routing/explanations',
    {
      config: { ...config, isIdempotent: false },
      schema: {
        summary: 'Where a transaction would go, and why; nothing is sent',
        tags,
        body: routeQuestion,
        response: { 200: routeExplanation, '4xx': refused },
      },
    },
    async ({ body }) => explain(rooms, body),
  );

  app.get(
    '/api/v1/switch/payment-methods',
    {
      config,
      schema: {
        summary:
          'How cards may be paid with at a shop, by scheme and contract: at once, with the bonus, in instalments, revolving',
        tags,
        querystring: z.object({ merchant: z.string().max(15).optional() }),
        response: { 200: paymentMethodOffers, '4xx': refused },
      },
    },
    async ({ query }) => Promise.resolve(offersOf(rooms, query.merchant ?? rooms.merchant)),
  );

  app.get(
    '/api/v1/switch/stand-in',
    {
      config,
      schema: {
        summary: 'Approvals in the place of an issuer, newest first, and what it said of them later',
        tags,
        querystring: listQuery.extend({ state: standInUse.shape.state.optional() }),
        response: { 200: page(standInUse), '4xx': refused },
      },
    },
    async ({ query }) =>
      answerPage(unwrap(sliceOf(await rooms.standIn.list(usesMax, undefined, query.state), ({ sale }) => sale, query))),
  );
}

/** A row a scheme: by the contract with the issuer that its cards go to first. */
function offersOf({ rules }: SwitchRuleRooms, merchant: string): PaymentMethodOffers {
  const linkOf = new Map<string, string>();
  for (const { scheme, link } of rules.router.table.routes.toSorted((a, b) => a.priority - b.priority))
    if (!linkOf.has(scheme)) linkOf.set(scheme, link);
  const items = [...linkOf].map(([scheme, link]) => {
    const { methods, instalments, methodMinMinor } = rules.contracts.of({ scheme, link, merchant });
    return { scheme, link, methods: [...methods], instalments: [...instalments], methodMinMinor };
  });
  return { merchant, items };
}

function explain({ rules, standIn, health, now }: SwitchRuleRooms, asked: RouteQuestion): RouteExplanation {
  const { digits, operation, entry, amountMinor, at } = asked;
  const nowMs = at === undefined ? now() : Date.parse(at);
  const { taken, first, steps } = rules.router.route({ digits, operation, entry, amountMinor, nowMs }, health);
  return {
    version: rules.router.table.version,
    link: taken?.link ?? null,
    scheme: (taken ?? first)?.scheme ?? null,
    steps: steps.map(({ rule: { prefix, scheme, link, priority }, costMinor, verdict }) => ({
      prefix,
      scheme,
      link,
      priority,
      costMinor,
      verdict,
    })),
    standIn:
      taken || !first
        ? null
        : standIn.explain(
            { state: 'down', scheme: first.scheme, operation, entry, digits, hasPin: false, amountMinor },
            first.link,
          ),
  };
}
