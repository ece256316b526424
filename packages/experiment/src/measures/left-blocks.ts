import { wholes } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Blocks that were pruned in all choices. */
const leftBlocks: RunMeasure = {
  key: 'leftBlocks',
  title: null,
  format: wholes,
  better: null,
  place: 132,
  at: 'search.leftBlocks',
  ofDiverged: true,
  measure: ({ search }) => search && search.choices.reduce((sum, { left }) => sum + left, 0),
};

export default leftBlocks;
