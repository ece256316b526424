import { megabytes } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** The weights of the saved model. */
const weightBytes: RunMeasure = {
  key: 'weightBytes',
  title: null,
  format: megabytes,
  better: 'lower',
  place: 92,
  at: 'size.weightBytes',
  measure: async (run) => (await run.savedSize(run.model)).weightBytes,
};

export default weightBytes;
