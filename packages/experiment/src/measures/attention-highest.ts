import type { RunMeasure } from '../measure.js';

/** The most that attention multiplied a kept block by, at the end. */
const attentionHighest: RunMeasure = {
  key: 'attentionHighest',
  title: null,
  format: { digits: 3 },
  better: null,
  place: 134,
  at: 'search.attentionHighest',
  optional: true,
  measure: ({ search }) => search?.attention?.highest ?? null,
};

export default attentionHighest;
