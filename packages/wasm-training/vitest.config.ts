import { defineConfig } from 'vitest/config';

// Property tests against the cpu backend take seconds on a machine that is busy.
export default defineConfig({ test: { testTimeout: 60_000 } });
