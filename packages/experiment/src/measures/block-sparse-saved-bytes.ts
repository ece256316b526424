import { megabytes } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** What the pruned model with block-sparse layers saves. */
const blockSparseSavedBytes: RunMeasure = {
  key: 'blockSparseSavedBytes',
  title: 'block-sparse, MB',
  format: megabytes,
  better: 'lower',
  place: 100,
  importance: 12,
  at: 'blockSparse.savedBytes',
  async measure(run) {
    const compressed = await run.compressed();
    return compressed && (await run.savedSize(compressed)).savedBytes;
  },
};

export default blockSparseSavedBytes;
