import { megabytes } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** The weights of the saved model, gzipped. */
const gzipBytes: RunMeasure = {
  key: 'gzipBytes',
  title: null,
  format: megabytes,
  better: 'lower',
  place: 94,
  at: 'size.gzipBytes',
  measure: async (run) => (await run.savedSize(run.model)).gzipBytes,
};

export default gzipBytes;
