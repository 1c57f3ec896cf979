import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Writes each text file of the build a second and third time, packed; the server sends what the browser reads. */
const packed = (): Plugin => ({
  name: 'packed',
  writeBundle({ dir = '' }, bundle) {
    for (const [name, file] of Object.entries(bundle)) {
      if (!/\.(js|css|html|svg)$/.test(name)) continue;
      const bytes = file.type === 'chunk' ? Buffer.from(file.code) : Buffer.from(file.source);
      writeFileSync(join(dir, `${name}.gz`), gzipSync(bytes, { level: 9 }));
      writeFileSync(join(dir, `${name}.br`), brotliCompressSync(bytes));
    }
  },
});

/** `protocols` uses Node's own modules in places that a browser never calls; none of them may be left in the build. */
const nothingOfNode = (): Plugin => ({
  name: 'nothing-of-node',
  enforce: 'pre',
  resolveId: (id) => (id.startsWith('node:') ? { id, external: true, moduleSideEffects: false } : null),
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== 'chunk') continue;
      // What is left of a module of which nothing is used.
      file.code = file.code.replaceAll(/\bimport\s*["']node:[a-z_/]+["'];?/g, '');
      const used = /\bimport[^;"']{1,400}from\s*["']node:[a-z_/]+["']/.exec(file.code);
      if (used) this.error(`${file.fileName}: ${used[0]}`);
    }
  },
});

export default defineConfig({
  root: import.meta.dirname,
  plugins: [nothingOfNode(), packed()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  resolve: { conditions: ['tsunagu-source', 'browser', 'module', 'import', 'default'] },
  build: {
    outDir: '../dist-web',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
