/** Real data without a download: handwritten digits of 8 × 8 pixels, a 64-128-128-10 perceptron. */
import { loadDigits } from '@espalier/datasets/digits';
import { multilayerPerceptron } from '@espalier/models';
import { sgd } from '@espalier/optimizers';

import { classification } from '../tasks/classification.js';
import { cosineDecay, type Workload } from '../workload.js';

const learningRate = cosineDecay(0.1);

const digitsMlp: Workload = {
  name: 'digits-mlp',
  description: 'Handwritten digits of UCI, within the package: 64-128-128-10 perceptron',
  task: classification,
  // The kernels are 128 and 256 blocks; the last layer's 32 are too few to prune.
  defaults: { sparsities: [0.9], blockShapes: [[8, 8]], seeds: [0, 1, 2], epochs: 20, batchSize: 32 },
  load: () => loadDigits(),
  model: (seed) => multilayerPerceptron({ inputs: 64, hidden: [128, 128], outputs: 10, seed }),
  optimizer: () => sgd({ learningRate: learningRate(0), momentum: 0.9, weightDecay: 5e-4 }),
  learningRate,
  scales: { smoke: { defaults: { seeds: [0], epochs: 4 } } },
};

export default digitsMlp;
