import type * as tf from '@tensorflow/tfjs';

import type { BlockPattern } from '../../pattern.js';
import { opCase, sumOfProducts, type OpCase } from '../../test-cases.js';
import { blockOf, patterns, placesOfValues } from '../../test-support.js';
import { blockValuesDot, scaleBlockValues } from './index.js';

const eachValue = (pattern: BlockPattern, visit: (value: number, block: number) => void) =>
  placesOfValues(pattern).forEach((place, value) =>
    visit(value, blockOf(place, pattern.matrixShape, pattern.blockShape)),
  );

export const cases: OpCase[] = [
  opCase<BlockPattern>({
    name: 'scaleBlockValues',
    settings: patterns,
    shapes: ({ size, grid }) => ({ values: [size], scale: grid.gridShape }),
    resultShape: ({ size }) => [size],
    run: ({ values, scale }, pattern) =>
      scaleBlockValues(values as tf.Tensor1D, scale as tf.Tensor2D, pattern),
    define: (pattern) =>
      sumOfProducts(pattern.size, (visit) =>
        eachValue(pattern, (value, block) => visit(value, value, block)),
      ),
  }),
  opCase<BlockPattern>({
    name: 'blockValuesDot',
    settings: patterns,
    shapes: ({ size }) => ({ a: [size], b: [size] }),
    resultShape: ({ grid }) => grid.gridShape,
    run: ({ a, b }, pattern) => blockValuesDot(a as tf.Tensor1D, b as tf.Tensor1D, pattern),
    define: (pattern) =>
      sumOfProducts(pattern.grid.blocks, (visit) =>
        eachValue(pattern, (value, block) => visit(block, value, value)),
      ),
  }),
];
