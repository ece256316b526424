import { megabytes } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** What `model.save` writes: `model.json` and the weights. */
const savedBytes: RunMeasure = {
  key: 'savedBytes',
  title: 'size, MB',
  format: megabytes,
  better: 'lower',
  place: 90,
  importance: 13,
  at: 'size.savedBytes',
  measure: async (run) => (await run.savedSize(run.model)).savedBytes,
};

export default savedBytes;
