import { models } from '@tsunagu/protocols/catalogue';
import {
  changedLayer,
  changeLayer,
  driftEntry,
  driftReasons,
  driftSummary,
  effectiveConfiguration,
  factoryConfiguration,
  lackedFor,
  layerDocument,
  layerKinds,
  type LayerRef,
  layerRef,
  layerSummary,
  layerVersion,
  page,
  parseWith,
  rollBackLayer,
  serialSchema,
  settingDifferences,
  type SettingFacts,
  settingFacts,
  settingNames,
  settingOf,
} from '@tsunagu/protocols/fleet';
import { unwrap } from '@tsunagu/protocols/kit';
import { z } from 'zod';
import { actorOf } from '../actor.ts';
import type { ApiApp } from '../app.ts';
import { etagOf, ifMatch, versionOf } from '../if-match.ts';
import { answerPage, listQuery, pageOf } from '../list-query.ts';
import type { ApiRooms } from '../ports.ts';
import { refused } from '../problems.ts';

/** Which layer: without a query, the defaults of the fleet. */
const layerQuery = z.object({
  layer: z.enum(layerKinds).default('defaults').describe('Which kind of layer.'),
  model: z.string().max(32).optional().describe('Of the layer `model`.'),
  merchant: z.string().max(60).optional().describe('Of the layers `merchant` and `shop`.'),
  shop: z.string().max(60).optional().describe('Of the layer `shop`.'),
  campaign: z.string().max(64).optional().describe('Of the layer `campaign`; it can be read only.'),
  serial: serialSchema.optional().describe('Of the layer `terminal`.'),
});
const version = z.coerce
  .number()
  .int()
  .min(0)
  .max(2 ** 31);
const reason = z.string().max(200).default('').describe('Why, for the history.');
const refOf = (query: z.infer<typeof layerQuery>): LayerRef => unwrap(parseWith(layerRef, query));

const header = { ...ifMatch, says: `${ifMatch.says} "0" writes the first.` };

/** Desired configuration in layers, and how far terminals are from it. */
export function configurationRoutes(
  app: ApiApp,
  { twin: { documents, drift } }: { readonly twin: Pick<ApiRooms['twin'], 'documents' | 'drift'> },
): void {
  const tags = ['configuration'];

  app.get(
    '/api/v1/configuration/settings',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The catalogue of settings: names, types, bounds, and what a model must be able to do',
        tags,
        response: { 200: z.object({ items: z.array(settingFacts) }), '4xx': refused },
      },
    },
    async () => ({ items: catalogue }),
  );

  app.get(
    '/api/v1/configuration',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'A layer of the desired configuration, now or at a version; its version is the ETag',
        tags,
        querystring: layerQuery.extend({ version: version.optional().describe('An older version.') }),
        response: { 200: layerDocument, '4xx': refused },
      },
    },
    async ({ query }, reply) => {
      const found = unwrap(
        query.version === undefined
          ? await documents.layer(refOf(query))
          : await documents.version(refOf(query), query.version),
      );
      return reply.header('etag', etagOf(found.version)).send(found);
    },
  );

  app.patch(
    '/api/v1/configuration',
    {
      config: { role: 'operator', header },
      schema: {
        summary:
          'Change a layer; If-Match names the version that is changed. The answer says which terminals do not get what',
        tags,
        querystring: layerQuery.extend({ reason }),
        body: changeLayer,
        response: { 200: changedLayer, '4xx': refused },
      },
    },
    async (request, reply) => {
      const by = { ...actorOf(request), reason: request.query.reason };
      const changed = unwrap(await documents.change(refOf(request.query), versionOf(request), request.body, by));
      return reply.header('etag', etagOf(changed.version)).send(changed);
    },
  );

  app.post(
    '/api/v1/configuration/rollback',
    {
      config: { role: 'operator', header },
      schema: {
        summary: 'Make a new version of a layer that equals an old one',
        tags,
        querystring: layerQuery.extend({ reason }),
        body: rollBackLayer,
        response: { 200: changedLayer, '4xx': refused },
      },
    },
    async (request, reply) => {
      const by = { ...actorOf(request), reason: request.query.reason };
      const changed = unwrap(await documents.rollBack(refOf(request.query), versionOf(request), request.body.to, by));
      return reply.header('etag', etagOf(changed.version)).send(changed);
    },
  );

  app.get(
    '/api/v1/configuration/versions',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The versions of a layer, newest first',
        tags,
        querystring: layerQuery.extend(listQuery.shape),
        response: { 200: page(layerVersion), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await documents.history(refOf(query), pageOf(query)))),
  );

  app.get(
    '/api/v1/configuration/diff',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'What differs between two versions of a layer; version 0 sets nothing',
        tags,
        querystring: layerQuery.extend({ from: version, to: version }),
        response: { 200: settingDifferences, '4xx': refused },
      },
    },
    async ({ query }) => ({ items: [...unwrap(await documents.diff(refOf(query), query.from, query.to))] }),
  );

  app.get(
    '/api/v1/configuration/layers',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Every layer that somebody wrote',
        tags,
        querystring: listQuery,
        response: { 200: page(layerSummary), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await documents.layers(pageOf(query)))),
  );

  app.get(
    '/api/v1/configuration/drift',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'Terminals that are not set to what is desired, and why; by serial',
        tags,
        querystring: listQuery.extend({
          reason: z.enum(driftReasons).optional().describe('Only those for which it is this.'),
        }),
        response: { 200: page(driftEntry), '4xx': refused },
      },
    },
    async ({ query }) => answerPage(unwrap(await drift.list({ ...pageOf(query), reason: query.reason }))),
  );

  app.get(
    '/api/v1/configuration/drift/summary',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'How many terminals are not set to what is desired, by reason',
        tags,
        response: { 200: driftSummary, '4xx': refused },
      },
    },
    async () => drift.summary(),
  );

  app.get(
    '/api/v1/terminals/:serial/configuration',
    {
      config: { role: 'viewer' },
      schema: {
        summary:
          'What a terminal is to be set to, where each value comes from, and what is in force; its hash is the ETag',
        tags,
        params: z.object({ serial: serialSchema }),
        response: { 200: effectiveConfiguration, '4xx': refused },
      },
    },
    async (request, reply) => {
      const found = unwrap(await drift.effective(request.params.serial));
      return reply.header('etag', `"${found.hash}"`).send(found);
    },
  );

  app.get(
    '/api/v1/terminals/:serial/configuration/diff',
    {
      config: { role: 'viewer' },
      schema: {
        summary:
          'What differs between what is desired of a terminal and what it reported, or what is desired of another',
        tags,
        params: z.object({ serial: serialSchema }),
        querystring: z.object({ other: serialSchema.optional().describe('Another terminal.') }),
        response: { 200: settingDifferences, '4xx': refused },
      },
    },
    async ({ params, query }) => ({ items: [...unwrap(await drift.compare(params.serial, query.other))] }),
  );
}

const catalogue: SettingFacts[] = settingNames.map((setting) => {
  const { name, says, kind, needs = [], isDisruptive = false } = settingOf(setting);
  return {
    setting,
    name,
    says,
    kind: kind.type === 'choice' ? { ...kind, of: [...kind.of] } : kind,
    factory: factoryConfiguration[setting],
    needs: [...needs],
    isDisruptive,
    models: models.filter((model) => lackedFor(setting, model) === undefined).map(({ id }) => id),
  };
});
