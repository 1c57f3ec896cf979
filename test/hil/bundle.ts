import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Packs a program of the house into one file. The guest reads the host's files over 9p on an emulated processor: hundreds of
 * modules would take it half a minute. Packages with native parts stay outside and are found in the repository.
 */
export async function bundle(entry: string, target: string): Promise<void> {
  await build({
    entryPoints: [`${root}/${entry}`],
    outfile: target,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['tsunagu-source'],
    external: ['usb'],
    logLevel: 'error',
    // CommonJS packages in the bundle want `require`; it starts from the repository, and the packages left outside are found there.
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom('${root}/firmware-bridge/package.json');`,
    },
  });
}
