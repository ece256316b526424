import { wholes } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Blocks that came back, or came new, in all choices after the first: none where the search is idle. */
const enteredBlocks: RunMeasure = {
  key: 'enteredBlocks',
  title: null,
  format: wholes,
  better: null,
  place: 131,
  at: 'search.enteredBlocks',
  ofDiverged: true,
  measure: ({ search }) => search && search.choices.reduce((sum, { entered }) => sum + entered, 0),
};

export default enteredBlocks;
