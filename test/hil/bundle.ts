import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The catalogue reads its models from beside its code; a program in one file has them inside. */
const modelsInside: Plugin = {
  name: 'models inside',
  setup({ onLoad }) {
    onLoad({ filter: /catalogue\/files\.ts$/ }, () => {
      const folder = `${root}/protocols/models`;
      const files = readdirSync(folder)
        .filter((file) => file.endsWith('.json'))
        .toSorted()
        .map((file) => ({ name: file.slice(0, -'.json'.length), text: readFileSync(`${folder}/${file}`, 'utf8') }));
      return { contents: `export const modelFiles = () => ${JSON.stringify(files)};`, loader: 'js' };
    });
  },
};

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
    plugins: [modelsInside],
    logLevel: 'error',
    // CommonJS packages in the bundle want `require`; it starts from the repository, and the packages left outside are found there.
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom('${root}/firmware-bridge/package.json');`,
    },
  });
}
