import { percent } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Zero blocks over the pruned layers, measured on the weights. */
const achievedPrunedLayers: RunMeasure = {
  key: 'achievedPrunedLayers',
  title: 'sparsity, pruned layers',
  format: percent,
  better: null,
  place: 40,
  importance: 15,
  at: 'achieved.prunedLayers',
  measure: ({ report }) => report?.achieved.prunedLayers ?? 0,
};

export default achievedPrunedLayers;
