import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin, transform } from 'esbuild';
import { createInstrumenter } from 'istanbul-lib-instrument';

const folder = fileURLToPath(new URL('.', import.meta.url));
const root = join(folder, '..', '..');

/** The source behind a door of `protocols`. */
function sourceOf(door: string): string {
  const { exports }: { readonly exports: Readonly<Record<string, { readonly 'tsunagu-source'?: string }>> } =
    JSON.parse(readFileSync(join(root, 'protocols', 'package.json'), 'utf8'));
  const source = exports[`./${door}`]?.['tsunagu-source'];
  if (source === undefined) throw new Error(`protocols has no door ${door}`);
  return join(root, 'protocols', source);
}

/** Instrumented modules by path, so that a run over many targets instruments each once. */
const instrumented = new Map<string, string>();

/** Numbers up to 65535 that stand in the sources: what a decoder compares with is the likeliest thing to put in. */
const constants = new Set<number>();

async function instrument(path: string): Promise<string> {
  const known = instrumented.get(path);
  if (known !== undefined) return known;
  const { code } = await transform(readFileSync(path, 'utf8'), { loader: 'ts', target: 'node20' });
  for (const [digits] of code.matchAll(/\b\d{1,5}\b/g)) if (Number(digits) <= 0xffff) constants.add(Number(digits));
  const counted = createInstrumenter({ esModules: true, compact: false }).instrumentSync(code, path);
  instrumented.set(path, counted);
  return counted;
}

/** Packages of the workspace lead to their sources; those of `protocols`, and the planted decoder, are counted. */
const counting: Plugin = {
  name: 'counting',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^@tsunagu\/protocols\// }, ({ path }) => ({
      path: sourceOf(path.slice('@tsunagu/protocols/'.length)),
    }));
    onResolve({ filter: /^tsunagu\// }, ({ path }) => ({
      path: join(root, 'cli', 'src', `${path.slice('tsunagu/'.length)}.ts`),
    }));
    onLoad({ filter: /(?:\/protocols\/src\/.*|\/fuzz\/planted)\.ts$/ }, async ({ path }) => ({
      contents: await instrument(path),
      loader: 'js',
    }));
  },
};

/** Counters as istanbul writes them: an object of objects, looked up for each statement. */
const counter = /\bcov_\w+\(\)\.[sfb]\[\d+\](?:\[\d+\])?(?=\+\+)/g;

/**
 * Bundles the targets of one file with all that they reach, every statement and branch counted, and returns the path.
 * The counters become elements of one typed array, `globalThis.fuzzCounters`: one addition each, and one pass to read all.
 *
 * @param entry a file of this folder that exports `targets`, such as `targets/emv.ts`.
 */
export async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { targets } from './${entry}'; import { work } from './worker.ts'; work(targets);`,
      resolveDir: folder,
      loader: 'ts',
    },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    // Vectors are read from beside this folder, wherever the bundle lies.
    define: { 'import.meta.url': JSON.stringify(new URL('.', import.meta.url).href) },
    plugins: [counting],
    logLevel: 'error',
  });
  const places = new Map<string, number>();
  const text = (outputFiles[0]?.text ?? '').replaceAll(counter, (place) => {
    places.set(place, places.get(place) ?? places.size);
    return `fuzzCounters[${places.get(place)}]`;
  });
  if (places.size === 0) throw new Error(`nothing of ${entry} is counted: does istanbul write its counters otherwise?`);
  const head = `const fuzzCounters = new Uint32Array(${places.size});\nglobalThis.fuzzCounters = fuzzCounters;\nglobalThis.fuzzConstants = [${[...constants].sort((a, b) => a - b)}];\n`;
  const cache = join(root, 'node_modules', '.cache', 'tsunagu-fuzz');
  mkdirSync(cache, { recursive: true });
  const path = join(cache, `${entry.replaceAll(/\W/g, '-')}-${process.pid}.mjs`);
  writeFileSync(path, head + text);
  return path;
}
