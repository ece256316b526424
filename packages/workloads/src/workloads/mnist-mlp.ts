/** MNIST with a 784-512-512-10 perceptron; momentum, weight decay and a cosine learning rate. */
import { loadMnist } from '@espalier/datasets/mnist';
import { multilayerPerceptron } from '@espalier/models';
import { sgd } from '@espalier/optimizers';

import { classification } from '../tasks/classification.js';
import { cosineDecay, type Workload } from '../workload.js';

const learningRate = cosineDecay(0.1);

const mnistMlp: Workload = {
  name: 'mnist-mlp',
  description: 'MNIST, 784-512-512-10 perceptron',
  task: classification,
  defaults: { sparsities: [0.9], blockShapes: [[16, 16]], seeds: [0, 1, 2], epochs: 16, batchSize: 128 },
  scales: { smoke: { defaults: { epochs: 4, seeds: [0] } } },
  load: ({ dataFolder }) => loadMnist(dataFolder),
  model: (seed) => multilayerPerceptron({ inputs: 784, hidden: [512, 512], outputs: 10, seed }),
  optimizer: () => sgd({ learningRate: learningRate(0), momentum: 0.9, weightDecay: 5e-4 }),
  learningRate,
};

export default mnistMlp;
