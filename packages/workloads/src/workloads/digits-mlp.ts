/** Real data without a download: handwritten digits of 8 × 8 pixels, a 64-128-128-10 perceptron. */
import { loadDigits } from '@espalier/datasets/digits';
import { multilayerPerceptron } from '@espalier/models';

import { defineWorkload } from '../own/define-workload.js';
import { classification } from '../tasks/classification.js';

export default defineWorkload({
  name: 'digits-mlp',
  description: 'Handwritten digits of UCI, within the package: 64-128-128-10 perceptron',
  task: classification,
  data: () => loadDigits(),
  model: (seed) => multilayerPerceptron({ inputs: 64, hidden: [128, 128], outputs: 10, seed }),
  // Of 8 × 8, the kernels are 128 and 256 blocks; the last layer's 32 are too few to prune.
  defaults: { epochs: 20, batchSize: 32 },
  scales: { smoke: { defaults: { seeds: [0], epochs: 4 } } },
});
