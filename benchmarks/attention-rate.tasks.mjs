// What attention-rate.bench.mjs trains: small tasks of the workloads' kinds, each with a validation split cut from its
// training examples. The test examples are never gathered.

import { cutValidation, permutation, plantedBlocks, random, subset } from '@espalier/datasets';
import { loadCifar10 } from '@espalier/datasets/cifar';
import { loadCriteo } from '@espalier/datasets/criteo';
import { loadMnist } from '@espalier/datasets/mnist';
import { multilayerPerceptron } from '@espalier/models';
import { sgd } from '@espalier/optimizers';
import { binaryClassification, classification, cosineDecay, regression } from '@espalier/workloads';
import criteoMlp from '@espalier/workloads/criteo-mlp';
import { plantedBlocksSettings } from '@espalier/workloads/planted-blocks';

const momentum = (rate) => ({
  optimizer: () => sgd({ learningRate: rate, momentum: 0.9, weightDecay: 5e-4 }),
  learningRate: cosineDecay(rate),
});

/** So many of the training examples, the same for every seed. */
const some = (set, count) => ({
  ...set,
  train: subset(set.train, permutation(set.train.count, random(0, 'some')).slice(0, count).sort()),
});

const perceptron = (inputs, hidden) => (seed) => multilayerPerceptron({ inputs, hidden, outputs: 10, seed });

export const tasks = {
  planted: {
    title: 'planted-blocks, 8 × 8',
    ...{ task: regression, blockShape: [8, 8], batchSize: 64, epochs: 40, ...momentum(0.1) },
    load: async (_, seed) => {
      const settings = { ...plantedBlocksSettings, trainExamples: 4096 };
      return cutValidation(plantedBlocks(seed, settings), { share: 0.5 });
    },
    model: (seed) =>
      multilayerPerceptron({
        ...{ inputs: plantedBlocksSettings.inputs, outputs: plantedBlocksSettings.outputs },
        ...{ hidden: [], seed, useBias: false },
      }),
  },
  mnist: {
    title: 'MNIST, 784-512-512-10, 50,000 examples',
    ...{ task: classification, blockShape: [16, 16], batchSize: 128, epochs: 4, ...momentum(0.1) },
    load: async (folder) => cutValidation(await loadMnist(folder), { share: 1 / 6 }),
    model: perceptron(784, [512, 512]),
  },
  'mnist-part': {
    title: 'MNIST, 784-256-256-10, 12,000 examples',
    ...{ task: classification, blockShape: [16, 16], batchSize: 64, epochs: 5, ...momentum(0.1) },
    load: async (folder) => some(cutValidation(await loadMnist(folder), { share: 1 / 6 }), 12_000),
    model: perceptron(784, [256, 256]),
  },
  'mnist-slow': {
    title: 'MNIST, 784-256-256-10, 12,000 examples, learning rate 0.03',
    ...{ task: classification, blockShape: [16, 16], batchSize: 64, epochs: 5, ...momentum(0.03) },
    load: async (folder) => some(cutValidation(await loadMnist(folder), { share: 1 / 6 }), 12_000),
    model: perceptron(784, [256, 256]),
  },
  'cifar10-part': {
    title: 'CIFAR-10, 3072-256-256-10, 10,000 examples',
    ...{ task: classification, blockShape: [32, 32], batchSize: 64, epochs: 6, ...momentum(0.03) },
    inputShape: [3072],
    load: async (folder) => some(cutValidation(await loadCifar10(folder), { share: 0.1 }), 10_000),
    model: perceptron(3072, [256, 256]),
  },
  criteo: {
    title: "Criteo's sample, 10 × 10",
    ...{ task: binaryClassification, blockShape: [10, 10], batchSize: 32, epochs: 8 },
    ...{ optimizer: criteoMlp.optimizer, learningRate: criteoMlp.learningRate, target: criteoMlp.target },
    load: async (folder) => cutValidation(await loadCriteo(folder, { rows: 10_000 }), { share: 0.2 }),
    model: (seed, data) => criteoMlp.model(seed, data),
  },
};
