import { defineConfig } from 'vitest/config';

/** What is registered with tfjs stays: it is seen in a process of its own. */
const alone = ['src/run/block-kernels.test.ts'];

// Files share a process and its one tfjs: loading it anew takes longer than most of them.
export default defineConfig({
  test: {
    testTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: { name: 'core', include: ['src/**/*.test.ts'], exclude: alone, isolate: false },
      },
      { extends: true, test: { name: 'alone', include: alone } },
    ],
  },
});
