import { z } from 'zod';
import { type ErrorCode, errorTable } from '../errors/index.ts';
import {
  artefactDigest,
  authorityName,
  defaultPortBase,
  deviceOperations,
  deviceStatus,
  enrolmentAnswer,
  enrolmentRequest,
  jobIdSchema,
  logPiece,
  logProgress,
  negativeName,
  softwareDelta,
  softwareDeltaPair,
  softwareMetadataFile,
  softwareTargetFile,
  pinnedKey,
  portOf,
  problem,
  renewalAnswer,
  renewalRequest,
  trustDocument,
  trustVersion,
} from '../fleet/index.ts';
import { components, type JsonObject } from './json-schema.ts';

const schema = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });
const json = (name: string): JsonObject => ({ 'application/json': { schema: schema(name) } });

/** The refusals of an operation, one response a status. */
function refused(codes: readonly ErrorCode[]): JsonObject {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) byStatus.set(deviceStatus(code), [...(byStatus.get(deviceStatus(code)) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => [
      status,
      {
        description: those.map((code) => `\`${code}\`: ${errorTable[code].en.says}`).join('\n'),
        content: { 'application/problem+json': { schema: schema('problem') } },
      },
    ]),
  );
}

const etag = { description: 'The digest in quotes.', schema: { type: 'string' } };
const bytes = { 'application/octet-stream': {} };
const range = {
  name: 'Range',
  in: 'header',
  description: 'One range of bytes; several are answered with the whole.',
  schema: { type: 'string' },
};
const served = {
  200: { description: 'The whole.', headers: { ETag: etag }, content: bytes },
  206: { description: 'The range that was asked for.', headers: { ETag: etag }, content: bytes },
  304: { description: 'The caller has it: If-None-Match names it.' },
  416: { description: 'The range lies outside.' },
};

/** A level of a path. */
const inPath = (name: string, schema: z.ZodString) => ({
  name,
  in: 'path',
  required: true,
  description: schema.description,
  schema: { type: 'string', pattern: z.toJSONSchema(schema).pattern },
});

/** What goes in and comes out, where the table of operations has only paths and codes. */
const exchanges: Readonly<Record<keyof typeof deviceOperations, JsonObject & { readonly responses: JsonObject }>> = {
  enrol: {
    requestBody: { required: true, content: json('enrolment-request') },
    responses: { 200: { description: 'The certificate, and the keys to pin.', content: json('enrolment-answer') } },
  },
  renew: {
    requestBody: { required: true, content: json('renewal-request') },
    responses: { 200: { description: 'The next certificate.', content: json('renewal-answer') } },
  },
  revocations: {
    responses: {
      200: {
        description: 'The list, renewed daily and with each revocation.',
        content: { 'application/pkix-crl': {} },
      },
    },
  },
  log: {
    parameters: [
      {
        name: 'job',
        in: 'path',
        required: true,
        description: jobIdSchema.description ?? 'Id of the job.',
        schema: { type: 'string', format: 'uuid' },
      },
    ],
    requestBody: { required: true, content: json('log-piece') },
    responses: { 200: { description: 'How far the upload is.', content: json('log-progress') } },
  },
  revocationsOf: {
    parameters: [inPath('authority', authorityName)],
    responses: { 200: { description: 'The list.', content: { 'application/pkix-crl': {} } } },
  },
  trust: {
    parameters: [inPath('version', trustVersion)],
    responses: { 200: { description: 'The document.', content: json('trust-document') } },
  },
  negative: { parameters: [inPath('name', negativeName), range], responses: { ...served } },
  artefact: { parameters: [inPath('sha256', artefactDigest), range], responses: { ...served } },
  softwareMetadata: {
    parameters: [inPath('file', softwareMetadataFile)],
    responses: { 200: { description: 'The file.', content: { 'application/json': {} } } },
  },
  softwareTarget: {
    parameters: [
      inPath(
        'model',
        z
          .string()
          .regex(/^[0-9A-Za-z.+_-]{1,32}$/)
          .describe('The model.'),
      ),
      inPath('file', softwareTargetFile),
      range,
    ],
    responses: { ...served },
  },
  softwareDelta: {
    parameters: [inPath('pair', softwareDeltaPair)],
    responses: { 200: { description: 'The delta.', content: json('software-delta') } },
  },
};

/** The OpenAPI 3.1 description of W2. */
export function deviceOpenApi(): JsonObject {
  const names = Object.keys(deviceOperations) as (keyof typeof deviceOperations)[];
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tsunagu device API (W2)',
      version: '1',
      description: 'How a terminal gets its certificate, and what is too large for W1. TLS 1.3.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: `https://localhost:${portOf(defaultPortBase, 'device')}` }],
    paths: Object.fromEntries(
      names.map((name) => {
        const { method, path, needsCertificate, says, refusals } = deviceOperations[name];
        const { responses, ...rest } = exchanges[name];
        return [
          path,
          {
            [method]: {
              operationId: name,
              summary: says,
              security: needsCertificate ? [{ certificate: [] }] : [],
              ...rest,
              responses: { ...responses, ...refused(refusals) },
            },
          },
        ];
      }),
    ),
    components: {
      securitySchemes: { certificate: { type: 'mutualTLS', description: 'The certificate of the enrolment.' } },
      schemas: components(
        {
          'enrolment-request': enrolmentRequest,
          'enrolment-answer': enrolmentAnswer,
          'log-piece': logPiece,
          'log-progress': logProgress,
          'renewal-request': renewalRequest,
          'renewal-answer': renewalAnswer,
          'software-delta': softwareDelta,
          'pinned-key': pinnedKey,
          'trust-document': trustDocument,
          problem,
        },
        'draft-2020-12',
      ),
    },
  };
}
