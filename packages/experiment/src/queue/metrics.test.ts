import { expect, it } from 'vitest';

import { metricsText } from './metrics.js';

it('is in the text format of Prometheus: help and type before each metric, a value a line', () => {
  const lot = { store: '/s', sample: 'dense seed 0', backend: 'wasm', waiting: 3, running: 2, later: 1 };
  const worker = { format: 1 as const, host: 'h', seenAt: 0, jobs: 4, running: 2, backend: 'auto' };
  const text = metricsText({
    ...{ place: 'redis://h', lots: [lot, lot], workers: [worker], done: 7, failed: 1, doneLastHour: 5 },
  });
  const line = /^(# HELP [a-z_]+ .+|# TYPE [a-z_]+ (gauge|counter)|[a-z_]+(\{state="[a-z]+"\})? \d+)$/;
  expect(text.endsWith('\n')).toBe(true);
  for (const one of text.trimEnd().split('\n')) expect(one).toMatch(line);
  expect(text).toContain('espalier_trials{state="waiting"} 6\n');
  expect(text).toContain('espalier_trials_done_total 7\n');
  expect(text).toContain('espalier_workers 1\n');
  expect(text).toContain('espalier_worker_jobs 4\n');
});
