import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const protocols = join(root, 'protocols');

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
}
export const manifest: Manifest = JSON.parse(readFileSync(join(protocols, 'package.json'), 'utf8'));

/** Every subpath that a stranger may import, as they write it. */
export const subpaths: readonly string[] = Object.keys(manifest.exports)
  .filter((path) => path !== './package.json')
  .map((path) => `@tsunagu/protocols${path.slice(1)}`);

/** The package as it would be published, and an empty folder in which it was installed. */
export interface Packed {
  readonly folder: string;
  readonly tarball: string;
  /** Files of the package, by their path in it. */
  readonly files: readonly string[];
  remove(): void;
}

/**
 * Packs `protocols` and lays the tarball out as npm would, outside the workspace. Its dependencies are those that are
 * installed here, so that no registry is asked; `package.real.test.ts` does it with npm itself.
 */
export function pack(): Packed {
  const folder = mkdtempSync(join(tmpdir(), 'tsunagu-package-'));
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const said = execFileSync(npm, ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: protocols,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename, files }]: [{ filename: string; files: { path: string }[] }] = JSON.parse(said.toString());
  const tarball = join(folder, filename);
  execFileSync('tar', ['xzf', tarball, '-C', folder]);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@tsunagu'), { recursive: true });
  mkdirSync(join(modules, '@types'));
  mkdirSync(join(modules, '@tufjs'));
  renameSync(join(folder, 'package'), join(modules, '@tsunagu', 'protocols'));
  // @types/node is what a TypeScript user of Node has; undici-types is its own dependency.
  for (const name of [...Object.keys(manifest.dependencies), '@types/node', 'undici-types'])
    symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  return {
    folder,
    tarball,
    files: files.map(({ path }) => path),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Runs a tool that is installed here, in a folder; gives its exit status and what it printed. */
export function run(folder: string, program: string, args: readonly string[]): { status: number; out: string } {
  try {
    return {
      status: 0,
      out: execFileSync(program, args, { cwd: folder, stdio: 'pipe', encoding: 'utf8', maxBuffer: 1 << 26 }),
    };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number | null; stdout: string; stderr: string };
    return { status: status ?? 1, out: `${stdout}${stderr}` };
  }
}

/** A program of node_modules/.bin. */
export const bin = (name: string): string => join(root, 'node_modules', '.bin', name);
