import { milliseconds } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** The same prediction by the pruned model with block-sparse layers. */
const blockSparsePredictMs: RunMeasure = {
  key: 'blockSparsePredictMs',
  title: 'block-sparse, ms',
  format: milliseconds,
  better: 'lower',
  place: 80,
  importance: 11,
  at: 'blockSparse.predictMs',
  async measure(run) {
    const compressed = await run.compressed();
    return compressed && run.predictMs(compressed);
  },
};

export default blockSparsePredictMs;
