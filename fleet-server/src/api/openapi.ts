import swagger from '@fastify/swagger';
import {
  configuration,
  job,
  overview,
  problem,
  saleLine,
  terminalDetail,
  terminalSummary,
  timelineEntry,
} from '@tsunagu/protocols/fleet';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { ApiApp } from './app.ts';

/** Schemas that the document names instead of repeating. */
const named = z.registry<{ id: string }>();
for (const [id, schema] of Object.entries({
  Configuration: configuration,
  Job: job,
  Overview: overview,
  Problem: problem,
  SaleLine: saleLine,
  TerminalDetail: terminalDetail,
  TerminalSummary: terminalSummary,
  TimelineEntry: timelineEntry,
}))
  named.add(schema, { id });

/** Serves the OpenAPI 3.1 description of every route under `/api/v1/openapi.json`. Call before the routes. */
export async function describeApi(app: ApiApp): Promise<void> {
  // What a transform makes of a text (a branded identity, a secret) is that text on the wire.
  const zodToJsonConfig = { unrepresentable: 'any' } as const;
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tsunagu management API',
        version: '1',
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
    transform: createJsonSchemaTransform({ schemaRegistry: named, zodToJsonConfig }),
    transformObject: createJsonSchemaTransformObject({ schemaRegistry: named, zodToJsonConfig }),
  });
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('application/json').serializer(String).send(JSON.stringify(app.swagger())),
  );
}
