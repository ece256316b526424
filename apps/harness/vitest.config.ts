import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Trials train in processes of their own: a test takes seconds, not milliseconds.
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // They wait for processes most of the time, and are what the others have to wait for.
    maxWorkers: 2,
    // As Node loads them, once each: with two copies of a package a kernel would not know the other's patterns.
    server: { deps: { external: [/\/(packages|apps)\/.*\/dist\//] } },
  },
});
