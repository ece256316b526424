/** The wasm kernels themselves, without the checks of the ops that call them. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

import '../../backends/wasm.js';
import { grids, randomTensor } from '../../test-support.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

function run(name: string, inputs: tf.NamedTensorMap, blockShape: readonly number[]): tf.Tensor[] {
  return [tf.engine().runKernel(name, inputs, { blockShape: [...blockShape] })].flat() as tf.Tensor[];
}

describe('ScaleBlocksGrad', () => {
  it('is ScaleBlocks of dy, bit by bit, and BlockDot of dy and the matrix', () => {
    fc.assert(
      fc.property(grids, fc.nat(1e6), ({ matrixShape, gridShape, blockShape }, seed) =>
        tf.tidy(() => {
          const [dy, matrix] = [randomTensor(matrixShape, seed), randomTensor(matrixShape, seed + 1)];
          const scale = tf.relu(randomTensor(gridShape, seed + 2));
          const [byMatrix, byScale] = run('ScaleBlocksGrad', { dy, matrix, scale }, blockShape);
          expect(byScale!.shape).toEqual([...gridShape]);
          const plusZero = (x: tf.Tensor) => x.dataSync().map((v) => v + 0);
          const [scaled] = run('ScaleBlocks', { matrix: dy, scale }, blockShape);
          expect(plusZero(byMatrix!)).toEqual(plusZero(scaled!));
          const [magnitudes] = run('BlockDot', { a: dy.abs(), b: matrix.abs() }, blockShape);
          const expected = run('BlockDot', { a: dy, b: matrix }, blockShape)[0]!.dataSync();
          const scales = magnitudes!.dataSync();
          const errors = byScale!.dataSync().map((v, at) => Math.abs(v - expected[at]!) / scales[at]!);
          expect(Math.max(...errors)).toBeLessThan(1e-6);
        }),
      ),
      { numRuns: 100 },
    );
  });

  it('gives exact zeros where the factor is zero, of infinite and NaN gradients too', () => {
    tf.tidy(() => {
      const inputs = {
        dy: tf.tensor2d([[Infinity, NaN, 3, 4, 5]]),
        matrix: tf.ones([1, 5]),
        scale: tf.zeros([1, 1]),
      };
      const [byMatrix] = run('ScaleBlocksGrad', inputs, [1, 5]);
      expect(Array.from(byMatrix!.dataSync())).toEqual([0, 0, 0, 0, 0]);
    });
  });
});

describe('what does not fit', () => {
  const ones = (...shape: number[]) => tf.ones(shape);
  it.each([
    [
      'a scale that is not the grid',
      () => run('ScaleBlocks', { matrix: ones(4, 4), scale: ones(2, 3) }, [2, 2]),
      "ScaleBlocks: the input 'scale' must have the shape [2, 2], got [2, 3]",
    ],
    [
      'a block shape that is none',
      () => run('ScaleBlocks', { matrix: ones(4, 4), scale: ones(2, 2) }, [2, 0]),
      'Block shape [2, 0] is not two whole numbers of at least 1',
    ],
    [
      'a block larger than the matrix',
      () => run('BlockDot', { a: ones(4, 4), b: ones(4, 4) }, [5, 2]),
      'A block of 5×2 is larger than the 4×4 kernel',
    ],
    [
      'a matrix of another shape',
      () => run('BlockDot', { a: ones(4, 4), b: ones(4, 5) }, [2, 2]),
      "BlockDot: the input 'b' must have the shape [4, 4], got [4, 5]",
    ],
    [
      'a gradient of another shape',
      () => run('ScaleBlocksGrad', { dy: ones(4, 5), matrix: ones(4, 4), scale: ones(2, 2) }, [2, 2]),
      "ScaleBlocksGrad: the input 'dy' must have the shape [4, 4], got [4, 5]",
    ],
  ])('is refused, before any memory is touched: %s', (_, run, message) => {
    expect(() => tf.tidy(() => void run())).toThrow(message);
  });
});
