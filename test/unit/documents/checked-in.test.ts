import { readdirSync, readFileSync } from 'node:fs';
import { messages, deviceOperations, topics } from '@tsunagu/protocols/fleet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenedApi, openedApi } from '../api/opened-api.ts';
import { asyncApiFaults, danglingReferences, openApiFaults, schemaJudge } from './validators.ts';

interface Documents {
  wireFiles(management: unknown): Readonly<Record<string, string>>;
}
const { wireFiles }: Documents = await import('../../../scripts/documents.mjs' as string);

const folder = new URL('../../../docs/wire/', import.meta.url);
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
const read = (name: string): Record<string, never> => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

let house: OpenedApi;
beforeAll(async () => {
  house = await openedApi();
});
afterAll(() => house.api.close());

test('docs/wire is what the declarations and the running server say (mend: npm run documents)', async () => {
  const management = await (await fetch(`${house.api.url}/api/v1/openapi.json`)).json();
  const made = wireFiles(management);
  expect(files.toSorted()).toEqual(Object.keys(made).toSorted());
  for (const [name, text] of Object.entries(made))
    expect(readFileSync(new URL(name, folder), 'utf8') === text, name).toBe(true);
});

test('the AsyncAPI document is valid by the official schema, and holds every topic', () => {
  const document = read('w1-fleet.asyncapi.json');
  expect(asyncApiFaults(document)).toEqual([]);
  expect(danglingReferences(document)).toEqual([]);
  expect(Object.keys(document['channels'] ?? {})).toEqual(Object.keys(topics));
  expect(Object.keys(document['operations'] ?? {})).toEqual(Object.keys(topics));
  expect(asyncApiFaults({ ...document, operations: { hello: { action: 'shout' } } })).not.toEqual([]);
});

test('both OpenAPI documents are valid, and W2 holds every operation', async () => {
  for (const name of ['w2-device.openapi.json', 'w5-management.openapi.json']) {
    const document = read(name);
    expect(await openApiFaults(document), name).toEqual([]);
    expect(danglingReferences(document), name).toEqual([]);
    expect(await openApiFaults({ ...document, paths: { here: {} } }), name).not.toEqual([]);
  }
  const paths = Object.keys(read('w2-device.openapi.json')['paths'] ?? {});
  expect(paths).toEqual(Object.values(deviceOperations).map(({ path }) => path));
});

test('every message of W1 has a schema that stands alone', () => {
  for (const name of Object.keys(messages)) expect(files).toContain(`schemas/${name}.schema.json`);
  for (const name of files.filter((file) => file.startsWith('schemas/')))
    expect(typeof schemaJudge().compile(read(name)), name).toBe('function');
});

/** Properties without a description, by their path. A constant says itself. */
function undescribed(schema: unknown, path: string): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap((part) => undescribed(part, path));
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key !== 'properties') return undescribed(value, path);
    return Object.entries(value as Record<string, Record<string, unknown>>).flatMap(([name, property]) => {
      const isSaid = 'description' in property || 'const' in property || '$ref' in property;
      return [...(isSaid ? [] : [`${path}.${name}`]), ...undescribed(property, `${path}.${name}`)];
    });
  });
}

test('every property of every message says what it is', () => {
  for (const name of files.filter((file) => file.startsWith('schemas/')))
    expect(undescribed(read(name), name)).toEqual([]);
  const { components } = read('w5-management.openapi.json');
  expect(undescribed(components, 'w5')).toEqual([]);
});
