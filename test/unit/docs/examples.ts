import { readFileSync } from 'node:fs';
import { formatWithOptions } from 'node:util';
import { compileFunction } from 'node:vm';
import { transformSync } from 'rolldown/utils';

/** The TypeScript examples of a README. */
export const examplesOf = (readme: URL): readonly string[] =>
  [...readFileSync(readme, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code ?? '');

/** What each `console.log` of an example says that it prints. */
export const promisedBy = (example: string): readonly string[] =>
  [...example.matchAll(/\bconsole\.log\([\s\S]*?\); \/\/ (.*)$/gm)].map(([, text]) => text ?? '');

/** Imports become look-ups, exports stay inside: the rest runs as it stands. */
const runnable = (example: string): string => {
  const { code, errors } = transformSync('example.ts', example, { lang: 'ts', sourcemap: false });
  if (errors.length > 0) throw new Error(String(errors[0]));
  return code
    .replaceAll(/^import (\{[^}]+\}) from "([^"]+)";$/gm, (_, names: string, path: string) => {
      return `const ${names.replaceAll(/ as /g, ': ')} = await load('${path}');`;
    })
    .replaceAll(/\bimport\(/g, 'load(')
    .replaceAll(/^export (?=(async )?function|const)/gm, '')
    .replaceAll(/^export \{.*\};$/gm, '');
};

/** A module of an example by the path that it is imported under. */
async function load(path: string): Promise<object> {
  if (path.startsWith('node:')) return await import(/* @vite-ignore */ path);
  if (path === '@tsunagu/firmware-bridge/cards/index') return await import('@tsunagu/firmware-bridge/cards/index');
  const room = /^(?:@tsunagu\/protocols\/(?:internal\/)?|\.\.\/)([a-z0-9-]+)(?:\/index\.ts)?$/.exec(path)?.[1];
  return await import(`../../../protocols/src/${room}/index.ts`);
}

/** Runs an example and gives what it prints. */
export async function printedBy(example: string): Promise<readonly string[]> {
  const printed: string[] = [];
  const log = (...values: readonly unknown[]): void => {
    printed.push(formatWithOptions({ breakLength: Number.POSITIVE_INFINITY, compact: 9, depth: 9 }, ...values));
  };
  const body = `return (async () => {\n${runnable(example)}\n})();`;
  await compileFunction(body, ['load', 'console'])(load, { log });
  return printed;
}
