import { layerKernels } from '@espalier/core';
import { percent } from '@espalier/workloads';

import type { RunMeasure } from '../measure.js';

/** Share of the true support's weights that lie in kept blocks, where the workload knows the truth. */
const supportRecovery: RunMeasure = {
  key: 'supportRecovery',
  title: 'support recovery',
  format: percent,
  better: 'higher',
  place: 30,
  spread: true,
  optional: true,
  async measure({ model, report, data: { truth } }) {
    if (!report || !truth) return null;
    let planted = 0;
    let recovered = 0;
    for (const [name, weights] of Object.entries(truth)) {
      const kernel = layerKernels(model).find((candidate) => candidate.name === name);
      if (!kernel) throw new Error(`The workload knows the truth of ${name}, which the model does not have`);
      const values = await kernel.variable.data();
      weights.forEach((value, i) => {
        if (value === 0) return;
        planted += 1;
        if (values[i] !== 0) recovered += 1;
      });
    }
    return recovered / planted;
  },
};

export default supportRecovery;
