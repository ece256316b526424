import { millions } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Of one example, in the kernels of the dense model. */
const multiplyAdds: RunMeasure = {
  key: 'multiplyAdds',
  title: null,
  format: millions,
  better: 'lower',
  place: 53,
  at: 'cost.multiplyAdds',
  measure: (run) => run.multiplyAdds()?.dense ?? null,
};

export default multiplyAdds;
