import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // As Node loads them, once each: with two copies of a package a kernel would not know the other's patterns.
    server: { deps: { external: [/\/packages\/.*\/dist\//] } },
  },
});
