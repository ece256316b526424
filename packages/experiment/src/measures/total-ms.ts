import { milliseconds } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Wall time of all training steps. */
const totalMs: RunMeasure = {
  key: 'totalMs',
  title: null,
  format: milliseconds,
  better: 'lower',
  place: 65,
  at: 'timing.totalMs',
  ofDiverged: true,
  measure: ({ elapsedMs }) => elapsedMs,
};

export default totalMs;
