import type { RunMeasure } from '../measure.js';

/** Standard deviation of what attention multiplied the kept blocks by, at the end: 0 where it tells none apart. */
const attentionDeviation: RunMeasure = {
  key: 'attentionDeviation',
  title: null,
  format: { digits: 3 },
  better: null,
  place: 135,
  at: 'search.attentionDeviation',
  optional: true,
  measure: ({ search }) => search?.attention?.deviation ?? null,
};

export default attentionDeviation;
