import type * as tf from '@tensorflow/tfjs';

import { eachWeight } from '../../pattern-blocks.js';
import { opCase, sumOfProducts, type OpCase } from '../../test-cases.js';
import { masks } from '../../test-support.js';
import type { TrainingMask } from '../../training-mask.js';
import { keepBlocks } from './index.js';

export const cases: OpCase[] = [
  opCase<TrainingMask>({
    name: 'keepBlocks',
    settings: masks,
    shapes: ({ grid }) => ({ matrix: grid.matrixShape }),
    resultShape: ({ grid }) => grid.matrixShape,
    run: ({ matrix }, mask) => keepBlocks(matrix as tf.Tensor2D, mask),
    define: ({ grid, pattern }) =>
      sumOfProducts(grid.matrixShape[0] * grid.matrixShape[1], (visit) =>
        eachWeight(pattern, (_, place) => visit(place, place)),
      ),
    release: (mask) => mask.dispose(),
  }),
];
