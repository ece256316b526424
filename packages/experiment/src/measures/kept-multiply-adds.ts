import { millions } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Of one example, at weights that are in no block of zeros. */
const keptMultiplyAdds: RunMeasure = {
  key: 'keptMultiplyAdds',
  title: 'multiply-adds, M',
  format: millions,
  better: 'lower',
  place: 54,
  importance: 4,
  at: 'cost.keptMultiplyAdds',
  optional: true,
  measure: (run) => run.multiplyAdds()?.kept ?? null,
};

export default keptMultiplyAdds;
