import { z } from 'zod';
import {
  defaultPortBase,
  envelopeLengthMax,
  messages,
  type MessageName,
  portOf,
  type TopicName,
  topicParameters,
  topics,
} from '../fleet/index.ts';
import { components, envelopeOf, type JsonObject } from './json-schema.ts';
import { schemas, signedPayloads } from './named.ts';

const names = Object.keys(messages) as MessageName[];
const qos = 1;

/** Which signed document a message holds. */
const signedBy: Partial<Record<MessageName, keyof typeof signedPayloads>> = {
  response: 'tsunagu-job-v1',
};

const said = (schema: z.ZodType): string => schema.description ?? '';
const reference = (...path: readonly string[]): JsonObject => ({ $ref: `#/${path.join('/')}` });

function parameters(address: string): JsonObject {
  const found = [...address.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  return Object.fromEntries(found.map((name) => [name, reference('components', 'parameters', name)]));
}

function parameter(schema: z.ZodType): JsonObject {
  const { enum: values, pattern } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const description = pattern === undefined ? said(schema) : `${said(schema)} Matches \`${pattern}\`.`;
  return { description, ...(values && { enum: values }) };
}

function message(name: MessageName): JsonObject {
  const purpose = signedBy[name];
  return {
    name,
    title: name,
    summary: said(messages[name]),
    contentType: 'application/json',
    payload: reference('components', 'schemas', `${name}-message`),
    correlationId: { location: '$message.payload#/corr' },
    ...(purpose && {
      'x-signed-payload': { purpose, schema: reference('components', 'schemas', signedPayloads[purpose].name) },
    }),
  };
}

/** The one payload that is no envelope: bytes. */
const bytes = 'negative-head';
const bytesMessage: JsonObject = {
  name: bytes,
  title: bytes,
  summary: 'Two signed documents: the head of a negative list and its overlay (protocols/src/negative/authority).',
  contentType: 'application/octet-stream',
  payload: { type: 'string', format: 'binary' },
};
const carriedOn = (carries: readonly MessageName[]): readonly string[] => (carries.length > 0 ? carries : [bytes]);

function channel(name: TopicName): JsonObject {
  const { address, carries, says } = topics[name];
  return {
    address,
    description: says,
    servers: [reference('servers', 'fleet'), reference('servers', 'fleetWebSocket')],
    parameters: parameters(address),
    messages: Object.fromEntries(
      carriedOn(carries).map((carried) => [carried, reference('components', 'messages', carried)]),
    ),
  };
}

function operation(name: TopicName): JsonObject {
  const { from, carries, says, isRetained, isAnswered } = topics[name];
  return {
    action: from === 'terminal' ? 'send' : 'receive',
    channel: reference('channels', name),
    summary: says,
    messages: carriedOn(carries).map((carried) => reference('channels', name, 'messages', carried)),
    bindings: { mqtt: { qos, retain: isRetained, bindingVersion: '0.2.0' } },
    ...(isAnswered && {
      reply: {
        address: {
          location: '$message.payload#/corr',
          description: '`corr` of the question is the last level of the topic of its answer.',
        },
        channel: reference('channels', 'response'),
        messages: [reference('channels', 'response', 'messages', 'response')],
      },
    }),
  };
}

/** Each row of a table through a function. */
const each = <Name extends string>(rows: readonly Name[], make: (name: Name) => JsonObject): JsonObject =>
  Object.fromEntries(rows.map((name) => [name, make(name)]));

/** The AsyncAPI 3.0 description of W1, from the terminal's side: it sends what goes up and receives what comes down. */
export function asyncApi(): JsonObject {
  const topicNames = Object.keys(topics) as TopicName[];
  const server = (port: number, protocol: string, description: string): JsonObject => ({
    host: `localhost:${port}`,
    protocol,
    protocolVersion: '3.1.1',
    description,
    security: [reference('components', 'securitySchemes', 'certificate')],
    bindings: {
      mqtt: {
        clientId: '{serial}',
        cleanSession: true,
        lastWill: {
          topic: topics.presence.address,
          qos,
          retain: topics.presence.isRetained,
          message: 'A `presence` message with the state `lost`.',
        },
        bindingVersion: '0.2.0',
      },
    },
  });
  return {
    asyncapi: '3.0.0',
    id: 'urn:tsunagu:w1',
    info: {
      title: 'Tsunagu fleet wire (W1)',
      version: '1',
      description:
        'What a payment terminal and its fleet server say to each other, from the terminal’s side: `send` is what a terminal ' +
        'publishes. Every payload is an envelope of at most ' +
        `${envelopeLengthMax} bytes of UTF-8 JSON; a terminal may use its own subtree and read the lists of its tenant. ` +
        'Properties that a receiver does not know are ignored.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      fleet: server(portOf(defaultPortBase, 'fleet'), 'mqtts', 'MQTT over TLS 1.3 with a client certificate.'),
      fleetWebSocket: server(portOf(defaultPortBase, 'fleetWebSocket'), 'wss', 'The same over WebSocket.'),
    },
    channels: each(topicNames, channel),
    operations: each(topicNames, operation),
    components: {
      messages: { ...each(names, message), [bytes]: bytesMessage },
      parameters: Object.fromEntries(
        Object.entries(topicParameters).map(([name, schema]) => [name, parameter(schema)]),
      ),
      securitySchemes: {
        certificate: { type: 'X509', description: 'The certificate of the enrolment; its URI names the terminal.' },
      },
      schemas: components(
        {
          ...Object.fromEntries(
            ['configuration', 'sale-result', 'signed-document', 'job-order'].map((name) => [
              name,
              schemas[name as keyof typeof schemas],
            ]),
          ),
          ...Object.fromEntries(Object.entries(messages)),
          ...Object.fromEntries(names.map((name) => [`${name}-message`, envelopeOf(name)])),
        },
        'draft-7',
      ),
    },
  };
}
