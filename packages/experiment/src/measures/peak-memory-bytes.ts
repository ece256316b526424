import { megabytes } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Peak resident memory of training, where the trial has a process of its own. */
const peakMemoryBytes: RunMeasure = {
  key: 'peakMemoryBytes',
  title: 'peak memory, MB',
  format: megabytes,
  better: 'lower',
  place: 110,
  importance: 2,
  at: 'peakMemoryBytes',
  ofDiverged: true,
  optional: true,
  measure: (run) => run.peakMemoryBytes,
};

export default peakMemoryBytes;
