import { millions } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** All weights of the model, those that do not train among them. */
const parameters: RunMeasure = {
  key: 'parameters',
  title: null,
  format: millions,
  better: 'lower',
  place: 51,
  at: 'cost.parameters',
  measure: ({ model }) => model.countParams(),
};

export default parameters;
