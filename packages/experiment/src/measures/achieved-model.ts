import { percent } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Weights in blocks of zeros over the whole model, measured on the weights. */
const achievedModel: RunMeasure = {
  key: 'achievedModel',
  title: 'sparsity, model',
  format: percent,
  better: null,
  place: 50,
  importance: 6,
  at: 'achieved.model',
  measure: ({ report }) => report?.achieved.model ?? 0,
};

export default achievedModel;
