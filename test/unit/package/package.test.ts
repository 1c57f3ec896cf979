import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bin, manifest, pack, type Packed, run, subpaths } from './packed.ts';

// Compilers and packers of other people run here; a busy machine is no fault of the package.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let packed: Packed;
beforeAll(() => {
  packed = pack();
});
afterAll(() => packed.remove());

/** Runs a module in the empty folder; gives what it printed. */
function runModule(source: string): { status: number; out: string } {
  writeFileSync(join(packed.folder, 'run.mjs'), source);
  return run(packed.folder, process.execPath, ['run.mjs']);
}

test('the package holds its licence, its README, its sources for the maps, and nothing of the workshop', () => {
  for (const path of ['LICENSE', 'README.md', 'package.json', 'dist/tr31/index.js', 'src/tr31/index.ts'])
    expect(packed.files).toContain(path);
  expect(packed.files.filter((path) => /buildinfo|tsconfig|\.test\./.test(path))).toEqual([]);
  const mapped = packed.files.filter((path) => path.endsWith('.js.map')).map((path) => path.replace(/^dist/, 'src'));
  for (const path of mapped) expect(packed.files).toContain(path.replace(/\.js\.map$/, '.ts'));
  expect(Object.keys(manifest.dependencies)).toEqual(['@tufjs/canonical-json', 'node-forge', 'zod']);
  const licence = (folder: string) => readFileSync(new URL(`../../../${folder}LICENSE`, import.meta.url), 'utf8');
  expect(licence('protocols/')).toBe(licence(''));
});

test('every room has a door, or is the one inside', () => {
  const source = new URL('../../../protocols/src/', import.meta.url);
  // A room may have inner doors: the first level is the room, below `internal` the second.
  const doors = new Set(subpaths.map((path) => path.replace('/internal/', '/').split('/')[2] ?? ''));
  const rooms = readdirSync(source, { withFileTypes: true }).flatMap((room) => (room.isDirectory() ? [room.name] : []));
  expect([...doors, 'der'].toSorted()).toEqual(rooms.toSorted());
});

test('every subpath is imported by a plain Node, and nothing else of the package is', () => {
  const { status, out } = runModule(`
    for (const path of ${JSON.stringify(subpaths)}) {
      const room = await import(path);
      if (Object.keys(room).length === 0) throw new Error(path + ' exports nothing');
    }
    for (const path of ['der', 'cipher', 'workbench-keys', 'dist/tr31/index.js', 'tr31/header.js', ''])
      await import(('@tsunagu/protocols/' + path).replace(/\\/$/, '')).then(
        () => { throw new Error(path + ' can be imported'); },
        ({ code }) => { if (code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw new Error(path + ': ' + code); },
      );
    console.log('done');
  `);
  expect(out.trim()).toBe('done');
  expect(status).toBe(0);
});

test('importing a room leaves the process as it was: no globals, listeners, timers, handles, output or changed built-ins', () => {
  const { out } = runModule(`
    const builtIns = [Object, Array, String, Number, Date, Promise, Map, Uint8Array, Buffer, Error, JSON, Math, Reflect];
    const look = () => JSON.stringify({
      globals: Reflect.ownKeys(globalThis).map(String).sort(),
      builtIns: builtIns.map((it) => [Reflect.ownKeys(it), Reflect.ownKeys(it.prototype ?? {})].map((keys) => keys.map(String))),
      listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]).sort(),
      resources: process.getActiveResourcesInfo().sort(),
      environment: process.env, directory: process.cwd(), title: process.title, exitCode: process.exitCode ?? null,
      stack: Error.stackTraceLimit,
    });
    // zod is somebody else's: what it does by itself is not held against a room.
    await import('zod');
    const before = look();
    for (const path of ${JSON.stringify(subpaths)}) {
      await import(path);
      if (look() !== before) console.log(path);
    }
  `);
  expect(out).toBe('');
});

describe('a strict TypeScript project outside the workspace', () => {
  const resolutions = [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const;
  test.each(resolutions)('compiles with module %s and moduleResolution %s, library checks on', (module, resolution) => {
    const all = subpaths.map((path, index) => `export * as room${index} from '${path}';`);
    const use = [
      `import { decodeTlv } from '@tsunagu/protocols/tlv';`,
      `const read = decodeTlv(Uint8Array.of(0x9f, 0x36, 1, 0));`,
      `export const tag: number | undefined = read.ok ? read.value[0]?.tag : undefined;`,
      `// @ts-expect-error a text is no message`,
      `decodeTlv('9F360100');`,
    ];
    writeFileSync(join(packed.folder, 'use.ts'), [...all, ...use].join('\n'));
    const compilerOptions = {
      module,
      moduleResolution: resolution,
      target: 'es2022',
      lib: ['es2023'],
      types: ['node'],
      noEmit: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
    };
    writeFileSync(join(packed.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
    expect(run(packed.folder, bin('tsc'), ['-p', '.'])).toEqual({ status: 0, out: '' });
  });
});

test('publint has nothing to say', async () => {
  const pkgDir = join(packed.folder, 'node_modules', '@tsunagu', 'protocols');
  const { messages, pkg } = await publint({ pkgDir, level: 'suggestion', strict: true, pack: false });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

test('attw finds the types of every subpath right, for ESM and bundlers', () => {
  const { status, out } = run(packed.folder, bin('attw'), [
    packed.tarball,
    '--profile',
    'esm-only',
    '--format',
    'json',
  ]);
  const { analysis }: { analysis: { entrypoints: object; problems: { resolutionKind?: string; kind: string }[] } } =
    JSON.parse(out);
  expect(Object.keys(analysis.entrypoints).length).toBe(Object.keys(manifest.exports).length);
  // A CommonJS `require` before Node 22 and the resolution of Node 10 are what the profile leaves out: this is an ESM package.
  const foreign = new Set(['node10', 'node16-cjs']);
  expect(analysis.problems.filter(({ resolutionKind }) => !foreign.has(resolutionKind ?? ''))).toEqual([]);
  expect(status).toBe(0);
});

/** Bundles one line, and tells which files of the package are left in it, by room, and how many bytes that are. */
async function bundled(line: string): Promise<{ rooms: readonly string[]; bytes: number; code: string }> {
  const entry = join(packed.folder, 'entry.mjs');
  writeFileSync(entry, line);
  const bundle = await rolldown({ input: entry, platform: 'node', logLevel: 'silent' });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  const [{ code, modules }] = output;
  const kept = Object.entries(modules).filter(([, { renderedLength }]) => renderedLength > 0);
  const rooms = kept.flatMap(
    ([path]) => /\/(protocols\/dist\/[a-z0-9-]+|zod|node-forge|canonical-json)\//.exec(path)?.[1] ?? [],
  );
  return {
    rooms: [...new Set(rooms.map((room) => room.replace('protocols/dist/', '')))].toSorted(),
    bytes: code.length,
    code,
  };
}

describe('a bundle of one function', () => {
  test.each([
    ['tlv', 'decodeTlv', ['kit', 'tlv'], 4_000],
    ['apdu', 'encodeCommand', ['apdu', 'kit'], 4_000],
    ['ccid', 'decodeBulkIn', ['ccid', 'kit'], 8_000],
    ['fpe', 'encryptFf1', ['cipher', 'fpe', 'kit'], 8_000],
    ['kit', 'fromHex', ['kit'], 2_000],
  ] as const)('of %s (%s) holds %j and no other room, below %i bytes', async (room, name, rooms, bytesMax) => {
    const found = await bundled(`import { ${name} } from '@tsunagu/protocols/${room}'; console.log(${name});`);
    expect(found.rooms).toEqual(rooms);
    expect(found.bytes).toBeLessThan(bytesMax);
  });

  test('of the ISO 8583 codec holds no zod, no keys and no other wire', async () => {
    const found = await bundled(
      `import { compileProfile } from '@tsunagu/protocols/iso8583'; console.log(compileProfile);`,
    );
    expect(found.rooms).toEqual(['iso8583', 'kit']);
  });

  test('of nothing is empty', async () => {
    const found = await bundled(subpaths.map((path) => `import '${path}';`).join('\n'));
    expect(found.rooms).toEqual([]);
  });
});
