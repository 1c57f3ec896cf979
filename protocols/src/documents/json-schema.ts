import { z } from 'zod';
import { linkFile } from '../acquiring/index.ts';
import { envelope, type MessageName, messages } from '../fleet/index.ts';
import { schemas } from './named.ts';

/** A JSON document as it is written to a file. */
export type JsonObject = { readonly [name: string]: unknown };

/** A message of W1 as it is on the wire: the envelope with its body, told apart by `ct`. */
export const envelopeOf = (name: MessageName) => envelope.extend({ ct: z.literal(name), body: messages[name] });

/** What a receiver accepts (`input`): properties that it does not know are ignored, unless the schema says otherwise. */
const accepted = { io: 'input' } as const;

/**
 * A JSON Schema (2020-12) of each message of W1 and W2, and of link files, by file name without ending. Each stands alone: there is no
 * reference to another file. `fleet-message` is any message of W1, envelope and all.
 */
export function jsonSchemas(): Readonly<Record<string, JsonObject>> {
  const names = Object.keys(messages) as MessageName[];
  const all: Record<string, z.ZodType> = {
    ...schemas,
    link: linkFile,
    'fleet-message': z
      .union(names.map(envelopeOf))
      .describe('Any message of W1, as the payload of an MQTT PUBLISH: UTF-8 JSON of at most 65536 bytes.'),
  };
  return Object.fromEntries(
    Object.entries(all).map(([name, schema]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, { ...accepted, target: 'draft-2020-12', reused: 'inline' });
      return [name, { $schema, $id: `urn:tsunagu:schema:${name}`, title: name, ...rest }];
    }),
  );
}

/**
 * The same schemas as `components/schemas` of a larger document, where one names another.
 * @param target what the document's format is built on: draft 7 for AsyncAPI 3.0, 2020-12 for OpenAPI 3.1
 */
export function components(
  named: Readonly<Record<string, z.ZodType>>,
  target: 'draft-7' | 'draft-2020-12',
): JsonObject {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, { ...accepted, target, uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(made.schemas).map(([id, { $id: _id, $schema: _schema, ...rest }]) => [id, rest]),
  );
}
