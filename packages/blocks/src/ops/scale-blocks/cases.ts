import * as tf from '@tensorflow/tfjs';

import type { BlockGrid } from '../../grid.js';
import { opCase, sumOfProducts, type OpCase } from '../../test-cases.js';
import { blockOf, grids } from '../../test-support.js';
import { blockDot, maskBlocks, scaleBlocks } from './index.js';

type T2 = tf.Tensor2D;

const eachWeight = (
  { matrixShape, blockShape }: BlockGrid,
  visit: (weight: number, block: number) => void,
) => {
  for (let weight = 0; weight < matrixShape[0] * matrixShape[1]; weight++) {
    visit(weight, blockOf(weight, matrixShape, blockShape));
  }
};
const weights = ({ matrixShape: [n, m] }: BlockGrid) => n * m;

const everyOther = ({ blocks, gridShape }: BlockGrid) =>
  tf.tensor2d(
    Float32Array.from({ length: blocks }, (_, block) => Number(block % 2 === 0)),
    [...gridShape],
  );

export const cases: OpCase[] = [
  opCase<BlockGrid>({
    name: 'scaleBlocks',
    settings: grids,
    shapes: ({ matrixShape, gridShape }) => ({ matrix: matrixShape, scale: gridShape }),
    resultShape: ({ matrixShape }) => matrixShape,
    run: ({ matrix, scale }, grid) => scaleBlocks(matrix as T2, scale as T2, grid),
    define: (grid) =>
      sumOfProducts(weights(grid), (visit) =>
        eachWeight(grid, (weight, block) => visit(weight, weight, block)),
      ),
  }),
  opCase<BlockGrid>({
    name: 'maskBlocks, half of the blocks kept',
    settings: grids,
    shapes: ({ matrixShape }) => ({ matrix: matrixShape }),
    resultShape: ({ matrixShape }) => matrixShape,
    run: ({ matrix }, grid) => maskBlocks(matrix as T2, everyOther(grid), grid),
    define: (grid) =>
      sumOfProducts(weights(grid), (visit) =>
        eachWeight(grid, (weight, block) => {
          if (block % 2 === 0) visit(weight, weight);
        }),
      ),
  }),
  opCase<BlockGrid>({
    name: 'blockDot',
    settings: grids,
    shapes: ({ matrixShape }) => ({ a: matrixShape, b: matrixShape }),
    resultShape: ({ gridShape }) => gridShape,
    run: ({ a, b }, grid) => blockDot(a as T2, b as T2, grid),
    define: (grid) =>
      sumOfProducts(grid.blocks, (visit) =>
        eachWeight(grid, (weight, block) => visit(block, weight, weight)),
      ),
  }),
];
