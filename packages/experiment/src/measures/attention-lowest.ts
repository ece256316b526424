import type { RunMeasure } from '../measure.js';

/** The least that attention multiplied a kept block by, at the end. */
const attentionLowest: RunMeasure = {
  key: 'attentionLowest',
  title: null,
  format: { digits: 3 },
  better: null,
  place: 133,
  at: 'search.attentionLowest',
  optional: true,
  measure: ({ search }) => search?.attention?.lowest ?? null,
};

export default attentionLowest;
