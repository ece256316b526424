/** MNIST with a 784-512-512-10 perceptron; momentum, weight decay and a cosine learning rate. */
import { loadMnist } from '@espalier/datasets/mnist';
import { multilayerPerceptron } from '@espalier/models';

import { defineWorkload } from '../own/define-workload.js';
import { classification } from '../tasks/classification.js';

export default defineWorkload({
  name: 'mnist-mlp',
  description: 'MNIST, 784-512-512-10 perceptron',
  task: classification,
  data: ({ dataFolder }) => loadMnist(dataFolder),
  model: (seed) => multilayerPerceptron({ inputs: 784, hidden: [512, 512], outputs: 10, seed }),
  defaults: { blockShapes: [[16, 16]], epochs: 16, batchSize: 128 },
  scales: { smoke: { defaults: { epochs: 4, seeds: [0] } } },
});
