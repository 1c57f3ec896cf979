import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { linkProfileSchema } from '@tsunagu/protocols/iso8583';
import { expect, test } from 'vitest';
import { z } from 'zod';

/**
 * Every setting of a link profile does something. Of each its reader is looked for in the sources: an access `parent.name`, or a destructuring of something that
 * is called `parent` (or `profile`), outside of the schema itself and of the profiles that are written by it. A reader that calls the parent otherwise is named
 * here with the words in which it reads; so a new setting is either read or stands in this list with who reads it.
 */
const readElsewhere: Readonly<Record<string, readonly [file: string, words: string]>> = {
  'frame.header': ['protocols/src/iso8583/link-profile.ts', 'isHeaderSound[parsed.data.frame.header]'],
  'fieldOverrides.type': ['protocols/src/iso8583/layout.ts', 'element.type'],
  'fieldOverrides.kind': ['protocols/src/iso8583/layout.ts', 'element.kind'],
  'fieldOverrides.maxLength': ['protocols/src/iso8583/layout.ts', 'element.maxLength'],
  'mac.exempt': ['fleet-server/src/switch/link/line-keys.ts', 'profile.mac?.exempt.includes'],
  'timers.storeAndForward.factor': ['fleet-server/src/switch/transaction/store-and-forward.ts', 'plan.factor'],
  'codes.actions.en': ['fleet-server/src/switch/issuer-link/issuer-link.ts', 'const { standsFor, en, ja } = own'],
  'codes.actions.ja': ['fleet-server/src/switch/issuer-link/issuer-link.ts', 'const { standsFor, en, ja } = own'],
  'codes.actions.standsFor': [
    'fleet-server/src/switch/issuer-link/issuer-link.ts',
    'const { standsFor, en, ja } = own',
  ],
};

/** They say what a profile is, to whoever reads the file: name, words, and that it is an assumption. */
const forReaders = new Set(['name', 'title', 'assumed', 'version']);

/** The settings of a schema by their path; a record or list of them is one, and so is a choice. */
function settingsOf(schema: z.ZodType, path: readonly string[] = []): readonly string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodExactOptional)
    return settingsOf(schema.unwrap() as z.ZodType, path);
  if (schema instanceof z.ZodRecord) return settingsOf(schema.valueType as z.ZodType, path);
  if (!(schema instanceof z.ZodObject)) return [path.join('.')];
  return Object.entries(schema.shape).flatMap(([name, inner]) => settingsOf(inner as z.ZodType, [...path, name]));
}

const root = join(import.meta.dirname, '../../..');
const written = /iso8583\/link-profiles?\.ts$|acquiring\/links\.ts$/;

async function sources(): Promise<string> {
  const found: string[] = [];
  for (const room of ['protocols/src', 'fleet-server/src', 'firmware-bridge/src', 'cli/src'])
    for (const file of await readdir(join(root, room), { recursive: true }))
      if (/\.tsx?$/.test(file) && !written.test(file)) found.push(await readFile(join(root, room, file), 'utf8'));
  // Comments read nothing.
  return found.join('\n').replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
}

const isRead = (text: string, path: string): boolean => {
  const [name = '', parent = 'profile'] = path.split('.').toReversed();
  const access = new RegExp(`\\b${parent}\\s*\\??\\.\\s*${name}\\b`);
  const taken = new RegExp(`\\{[^{}]*\\b${name}\\b[^{}]*\\}\\s*=\\s*[^;\\n]*\\b${parent}\\b`);
  const inner = new RegExp(`\\b${parent}:\\s*\\{[^{}]*\\b${name}\\b`);
  const parameter = new RegExp(`\\{[^{}]*\\b${name}\\b[^{}]*\\}\\s*:\\s*[^;\\n]*LinkProfile`);
  return [access, taken, inner, parameter].some((form) => form.test(text));
};

test('every setting of a link profile is read by something', async () => {
  const text = await sources();
  const settings = settingsOf(linkProfileSchema).filter((path) => !forReaders.has(path.split('.')[0] ?? ''));
  expect(settings.length).toBeGreaterThan(30);
  const unread: string[] = [];
  for (const path of settings) {
    const named = readElsewhere[path];
    const isFound = named ? (await readFile(join(root, named[0]), 'utf8')).includes(named[1]) : isRead(text, path);
    if (!isFound) unread.push(path);
  }
  expect(unread).toEqual([]);
});

test('a setting that nobody reads is found out', async () => {
  const text = await sources();
  for (const gone of ['timers.closedKeysMs', 'mac.keyRef', 'codes.functions', 'codes.reasons'])
    expect(isRead(text, gone)).toBe(false);
});
