import { wholes } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** How often the search chose blocks to keep; after a dense phase, from the choice on that keeps as few as before. */
const choices: RunMeasure = {
  key: 'choices',
  title: null,
  format: wholes,
  better: null,
  place: 130,
  at: 'search.choices',
  ofDiverged: true,
  measure: ({ search }) => search && search.choices.length,
};

export default choices;
