import { megabytes } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Peak of what tfjs had allocated on a device with memory of its own. */
const peakGpuMemoryBytes: RunMeasure = {
  key: 'peakGpuMemoryBytes',
  title: 'peak GPU memory, MB',
  format: megabytes,
  better: 'lower',
  place: 120,
  importance: 3,
  at: 'peakGpuMemoryBytes',
  ofDiverged: true,
  optional: true,
  measure: (run) => run.peakGpuMemoryBytes,
};

export default peakGpuMemoryBytes;
