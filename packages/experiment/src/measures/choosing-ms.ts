import { milliseconds } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Wall time of all choices of blocks, of that of the training steps. */
const choosingMs: RunMeasure = {
  key: 'choosingMs',
  title: null,
  format: milliseconds,
  better: 'lower',
  place: 66,
  at: 'timing.choosingMs',
  ofDiverged: true,
  measure: ({ choosingMs }) => choosingMs,
};

export default choosingMs;
