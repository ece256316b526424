// What the GPU benchmark trains and multiplies: in full, and so small that a software adapter can do it.

import { multilayerPerceptron, resnet, resnet18, resnet20 } from '@espalier/models';

/** `torch` tells gpu_torch.py how to build the same network. `blockShape` is that of the pruned kernels.
 * `strategies` names those that it is measured under, where not all are: it takes long. */
const perceptron = (name, sizes, batch, blockShape) => ({
  name,
  batch,
  blockShape,
  inputShape: [sizes[0]],
  classes: sizes.at(-1),
  model: (seed) =>
    multilayerPerceptron({ inputs: sizes[0], hidden: sizes.slice(1, -1), outputs: sizes.at(-1), seed }),
  torch: { kind: 'perceptron', sizes },
});

const residual = (name, settings, batch, blockShape) => ({
  name,
  batch,
  blockShape,
  inputShape: settings.inputShape,
  classes: settings.classes,
  model: (seed) => resnet({ ...settings, seed }),
  torch: { kind: 'resnet', ...settings },
});

/** The work of a benchmark on a GPU. */
export const full = {
  workloads: [
    perceptron('mnist', [784, 512, 512, 10], 128, [16, 16]),
    perceptron('wide', [4096, 4096, 4096, 10], 1024, [32, 32]),
    residual('resnet20', resnet20, 128, [8, 8]),
    { ...residual('resnet18', resnet18, 32, [16, 16]), strategies: ['sequential-attention-plus-plus'] },
  ],
  products: {
    batch: 4096,
    matrixShape: [4096, 4096],
    sparsities: [0.5, 0.8, 0.9, 0.95, 0.98],
    blockShapes: [8, 16, 32, 64, 128].map((size) => [size, size]),
  },
  /** Length of the training whose phases are measured, in steps. */
  totalSteps: 20_000,
  /** Bursts that take turns, and the time that one should take. */
  rounds: 5,
  burstMs: 250,
  minimumBlocks: 100,
};

/** The same, small enough for a processor that plays a GPU: shows that everything runs, and measures nothing of worth. */
export const quick = {
  workloads: [
    perceptron('mnist', [784, 64, 64, 10], 32, [8, 8]),
    perceptron('wide', [256, 256, 256, 10], 32, [32, 32]),
    residual(
      'resnet20',
      {
        ...resnet20,
        inputShape: [16, 16, 3],
        stages: [
          { filters: 8, blocks: 1 },
          { filters: 16, blocks: 1 },
        ],
      },
      4,
      [4, 4],
    ),
    residual(
      'resnet18',
      {
        ...resnet18,
        inputShape: [32, 32, 3],
        classes: 10,
        stages: [
          { filters: 8, blocks: 1 },
          { filters: 16, blocks: 1 },
        ],
      },
      4,
      [4, 4],
    ),
  ],
  products: {
    batch: 64,
    matrixShape: [256, 256],
    sparsities: [0.5, 0.9],
    blockShapes: [
      [16, 16],
      [32, 32],
    ],
  },
  totalSteps: 400,
  rounds: 2,
  burstMs: 1,
  minimumBlocks: 8,
};
