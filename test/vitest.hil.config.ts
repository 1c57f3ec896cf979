import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

// Hardware in the loop: kernels, drivers and programs that nobody here wrote drive our emulated readers and cards.
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['hil/**/*.hil.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 60_000,
    hookTimeout: 1_600_000,
    fileParallelism: false,
  },
});
