import swagger from '@fastify/swagger';
import { auditEntry } from '@tsunagu/protocols/audit';
import {
  apiToken,
  approval,
  claimBundle,
  configuration,
  driftEntry,
  effectiveConfiguration,
  job,
  layerDocument,
  layerSummary,
  layerVersion,
  modelSummary,
  negativeAdded,
  negativeOverview,
  overview,
  person,
  problem,
  type Permission,
  rolePermissions,
  roles,
  saleLine,
  saleResult,
  session,
  settingFacts,
  terminalDetail,
  terminalSummary,
  timelineEntry,
} from '@tsunagu/protocols/fleet';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { FastifyContextConfig } from 'fastify';
import type { ApiApp } from './app.ts';
import { permissionOfRoute } from './permission.ts';

/** Schemas that the document names instead of repeating. */
const named = z.registry<{ id: string }>();
for (const [id, schema] of Object.entries({
  ApiToken: apiToken,
  Approval: approval,
  AuditEntry: auditEntry,
  Person: person,
  ClaimBundle: claimBundle,
  Configuration: configuration,
  DriftEntry: driftEntry,
  EffectiveConfiguration: effectiveConfiguration,
  Job: job,
  LayerDocument: layerDocument,
  LayerSummary: layerSummary,
  LayerVersion: layerVersion,
  ModelSummary: modelSummary,
  NegativeAdded: negativeAdded,
  NegativeOverview: negativeOverview,
  Overview: overview,
  Problem: problem,
  SaleLine: saleLine,
  SaleResult: saleResult,
  Session: session,
  SettingFacts: settingFacts,
  TerminalDetail: terminalDetail,
  TerminalSummary: terminalSummary,
  TimelineEntry: timelineEntry,
}))
  named.add(schema, { id });

const options: Parameters<typeof createJsonSchemaTransform>[0] = {
  schemaRegistry: named,
  zodToJsonConfig: {
    unrepresentable: 'any',
    // Names are in a registry of their own; what a schema says of itself is in the global one.
    override({ zodSchema, jsonSchema }) {
      Object.assign(jsonSchema, z.globalRegistry.get(zodSchema));
      if (zodSchema._zod.def.type === 'undefined') jsonSchema.type = 'null';
    },
  },
};

/** Headers of a request as JSON Schema: they are read by a hook or by the route itself. */
const headerSchema = ({ name, says, isRequired = false }: NonNullable<FastifyContextConfig['header']>) => ({
  type: 'object',
  properties: { [name]: { type: 'string', description: says } },
  required: isRequired ? [name] : [],
});
const idempotencyKey = { name: 'Idempotency-Key', says: 'A repeat with the same key gets the first answer.' };

/** Who may call an operation, for people and for programs. OpenAPI 3.1, 4.8.30: a scheme without scopes of its own names what is required. */
const allowing = (needs: Permission, further: readonly Permission[] = []) => {
  const holders = (of: Permission): string => roles.filter((role) => rolePermissions[role].includes(of)).join(', ');
  const besides = further.map((each) => `\`${each}\` (${holders(each)})`).join(', ');
  return {
    description: [
      `Needs the permission \`${needs}\` (${holders(needs)}).`,
      ...(besides === '' ? [] : [`By what is asked for also: ${besides}.`]),
    ].join(' '),
    security: [{ bearer: [needs] }, { session: [needs] }],
    'x-permission': needs,
    ...(besides !== '' && { 'x-further-permissions': further }),
  };
};

/** Only the components that something refers to, directly or through others. */
function referredTo(document: object & { components?: { schemas?: object } }): object {
  const schemas = document.components?.schemas ?? {};
  const wanted = new Set<string>();
  const look = (value: unknown): void => {
    for (const [, name] of JSON.stringify(value).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
      if (name === undefined || wanted.has(name)) continue;
      wanted.add(name);
      look(Object.entries(schemas).find(([id]) => id === name)?.[1] ?? null);
    }
  };
  look({ ...document, components: { ...document.components, schemas: {} } });
  const kept = Object.fromEntries(Object.entries(schemas).filter(([name]) => wanted.has(name)));
  return { ...document, components: { ...document.components, schemas: kept } };
}

/** Serves the OpenAPI 3.1 description of every route under `/api/v1/openapi.json`. Call before the routes. */
export async function describeApi(app: ApiApp): Promise<void> {
  const transform = createJsonSchemaTransform(options);
  const transformObject = createJsonSchemaTransformObject(options);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tsunagu management API (W5)',
        version: '1',
        description:
          'What the CLI, the dashboard and other systems use. Lists are paged by cursor, errors are problem details (RFC 9457), ' +
          'times are RFC 3339 UTC.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          session: { type: 'apiKey', in: 'cookie', name: 'tsunagu_session' },
        },
      },
      security: [{ bearer: [] }, { session: [] }],
    },
    transform(route) {
      const made = transform(route);
      const config = route.route.config ?? {};
      const { isOpen, header = route.route.method === 'POST' && !isOpen ? idempotencyKey : undefined } = config;
      const needs = permissionOfRoute(config);
      return {
        ...made,
        schema: {
          ...made.schema,
          ...(header && { headers: headerSchema(header) }),
          ...(needs && allowing(needs, config.further)),
          ...((isOpen ?? !route.url.startsWith('/api/')) && { security: [] }),
        },
      };
    },
    transformObject: (document) => referredTo(transformObject(document)),
  });
  app.get('/api/v1/openapi.json', { config: { isOpen: true }, schema: { hide: true } }, async (_request, reply) =>
    reply.type('application/json').serializer(String).send(JSON.stringify(app.swagger())),
  );
}
