/** Images of another size, and normalisations. */
import * as tf from '@tensorflow/tfjs';

import { swept, within, type SweptOp } from '../swept-op.js';

export const images: readonly SweptOp[] = [
  ...(['resizeBilinear', 'resizeNearestNeighbor'] as const).map((name) =>
    swept({
      name,
      known: 'by basis vectors',
      sample: (random) => {
        const shape = [
          random.integer(1, 3),
          random.integer(1, 5),
          random.integer(1, 5),
          random.integer(1, 2),
        ];
        const size = [random.integer(1, 7), random.integer(1, 7)];
        if (random.chance(0.2)) size[0] = shape[1]!;
        if (random.chance(0.2)) size[1] = shape[2]!;
        const [alignCorners, halfPixelCenters] = random.pick([
          [false, false],
          [true, false],
          [false, true],
        ] as const);
        return { inputs: [within(random, shape)], attributes: { size, alignCorners, halfPixelCenters } };
      },
      compute: ([x]: [tf.Tensor4D], { size, alignCorners, halfPixelCenters }) =>
        tf.image[name](x, size as [number, number], alignCorners, halfPixelCenters),
    }),
  ),
  // Without offset or scale tfjs throws a TypeError: the layer gives both.
  ...(['batchNorm', 'batchNormAlongAxis'] as const).map((name) =>
    swept({
      name,
      known: 'by differences',
      sample: (random) => {
        const rank = name === 'batchNorm' ? random.integer(2, 4) : 4;
        const shape = Array.from({ length: rank }, () => random.integer(1, 3));
        const axis = random.integer(0, 3);
        const along = shape.map((size, i) => (i === axis ? size : 1));
        const statistics = name === 'batchNorm' ? [shape.at(-1)!] : along;
        return {
          inputs: [
            within(random, shape),
            within(random, statistics),
            within(random, statistics, 0.5, 2),
            within(random, statistics),
            within(random, statistics),
          ],
          attributes: { epsilon: random.pick([1e-3, 1e-2]) },
        };
      },
      compute: ([x, mean, variance, offset, scale]: tf.Tensor[], { epsilon }) =>
        tf.batchNorm(
          x as tf.Tensor4D,
          mean as tf.Tensor1D,
          variance as tf.Tensor1D,
          offset as tf.Tensor1D,
          scale as tf.Tensor1D,
          epsilon,
        ),
    }),
  ),
  swept({
    name: 'localResponseNormalization',
    known: 'by differences',
    sample: (random) => {
      const shape = [random.integer(1, 2), random.integer(1, 3), random.integer(1, 3), random.integer(1, 6)];
      return {
        inputs: [within(random, shape)],
        attributes: {
          depthRadius: random.integer(1, 3),
          bias: random.pick([0.5, 1, 2]),
          alpha: random.pick([0.1, 1]),
          beta: random.pick([0.5, 0.75, 1]),
        },
      };
    },
    compute: ([x]: [tf.Tensor4D], { depthRadius, bias, alpha, beta }) =>
      tf.localResponseNormalization(x, depthRadius, bias, alpha, beta),
  }),
];
