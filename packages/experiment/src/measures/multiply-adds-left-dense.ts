import { percent } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** The share of the dense model's multiply-adds that is in kernels which were left dense: what pruning could not touch. */
const multiplyAddsLeftDense: RunMeasure = {
  key: 'multiplyAddsLeftDense',
  title: 'multiply-adds left dense',
  format: { ...percent, digits: 1 },
  better: null,
  place: 55,
  importance: 1,
  at: 'cost.multiplyAddsLeftDense',
  optional: true,
  measure(run) {
    const counted = run.report && run.multiplyAdds();
    return counted && counted.dense > 0 ? counted.leftDense / counted.dense : null;
  },
};

export default multiplyAddsLeftDense;
