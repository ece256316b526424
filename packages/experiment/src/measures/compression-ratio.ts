import { times } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** All weights of the model over those that are in no block of zeros. */
const compressionRatio: RunMeasure = {
  key: 'compressionRatio',
  title: null,
  format: times,
  better: 'higher',
  place: 52,
  at: 'cost.compressionRatio',
  measure: ({ report }) => 1 / (1 - (report?.achieved.model ?? 0)),
};

export default compressionRatio;
