import { defineConfig } from 'vitest/config';

// Trials train in processes of their own: a test takes seconds, not milliseconds.
export default defineConfig({ test: { testTimeout: 120_000, hookTimeout: 60_000 } });
