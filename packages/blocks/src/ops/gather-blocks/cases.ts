import type * as tf from '@tensorflow/tfjs';

import type { BlockPattern } from '../../pattern.js';
import { opCase, sumOfProducts, type OpCase } from '../../test-cases.js';
import { patterns, placesOfValues } from '../../test-support.js';
import { gatherBlocks, scatterBlocks } from './index.js';

export const cases: OpCase[] = [
  opCase<BlockPattern>({
    name: 'gatherBlocks',
    settings: patterns,
    shapes: ({ matrixShape }) => ({ matrix: matrixShape }),
    resultShape: ({ size }) => [size],
    run: ({ matrix }, pattern) => gatherBlocks(matrix as tf.Tensor2D, pattern),
    define: (pattern) =>
      sumOfProducts(pattern.size, (visit) =>
        placesOfValues(pattern).forEach((place, value) => visit(value, place)),
      ),
  }),
  opCase<BlockPattern>({
    name: 'scatterBlocks',
    settings: patterns,
    shapes: ({ size }) => ({ values: [size] }),
    resultShape: ({ matrixShape }) => matrixShape,
    run: ({ values }, pattern) => scatterBlocks(values as tf.Tensor1D, pattern),
    define: (pattern) =>
      sumOfProducts(pattern.matrixShape[0] * pattern.matrixShape[1], (visit) =>
        placesOfValues(pattern).forEach((place, value) => visit(place, value)),
      ),
  }),
];
