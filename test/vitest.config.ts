import { defineConfig } from 'vitest/config';

// Tests run on the sources: the packages' "tsunagu-source" condition leads there, without a build.
export default defineConfig({
  ssr: {
    resolve: {
      // Not "import": it would hold for require() as well, and a CommonJS package would get an ES module.
      conditions: ['tsunagu-source', 'node'],
      externalConditions: ['tsunagu-source', 'node'],
    },
  },
  test: {
    include: ['**/*.test.ts', '**/*.test.tsx'],
    exclude: ['**/node_modules/**', '**/dist/**', '**/*.real.test.ts', '**/*.hil.test.ts'],
    globalSetup: './folder.ts',
    // For what hangs: a busy machine is no fault.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Unless told this is one second, which a page of a browser takes at times.
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    maxWorkers: 2,
    // Half of the time went into loading the same sources for each file. There is no global state in the rooms, and none in the tests.
    isolate: false,
    server: { deps: { inline: [/@tsunagu\//, /^tsunagu$/] } },
  },
});
