import { milliseconds } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Mean wall time of a training step. */
const stepMs: RunMeasure = {
  key: 'stepMs',
  title: 'step, ms (× dense)',
  format: milliseconds,
  better: 'lower',
  place: 60,
  importance: 14,
  at: 'timing.stepMs',
  denseKey: 'denseStepMs',
  ofDiverged: true,
  measure: ({ elapsedMs, steps }) => elapsedMs / Math.max(1, steps),
};

export default stepMs;
