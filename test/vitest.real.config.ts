import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

// The suites with real peers: a browser, a pseudo-terminal, MQTT clients that nobody here wrote, the built programs.
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['**/*.real.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    fileParallelism: false,
  },
});
