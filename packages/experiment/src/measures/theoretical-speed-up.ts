import { times } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Multiply-adds of the dense model over those that are left: what no machine comes to. */
const theoreticalSpeedUp: RunMeasure = {
  key: 'theoreticalSpeedUp',
  title: null,
  format: times,
  better: 'higher',
  place: 56,
  at: 'cost.theoreticalSpeedUp',
  measure(run) {
    const counted = run.multiplyAdds();
    return counted && counted.kept > 0 ? counted.dense / counted.kept : null;
  },
};

export default theoreticalSpeedUp;
