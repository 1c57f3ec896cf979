import { defineConfig } from 'vitest/config';

// Tests run on the sources: the packages' "tsunagu-source" condition leads there, without a build.
export default defineConfig({
  ssr: {
    resolve: {
      conditions: ['tsunagu-source', 'node', 'import', 'default'],
      externalConditions: ['tsunagu-source', 'node', 'import', 'default'],
    },
  },
  test: {
    include: ['**/*.test.ts', '**/*.test.tsx'],
    exclude: ['**/node_modules/**', '**/dist/**', '**/*.real.test.ts'],
    testTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
    server: { deps: { inline: [/@tsunagu\//, /^tsunagu$/] } },
  },
});
