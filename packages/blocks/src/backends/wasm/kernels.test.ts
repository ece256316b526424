/** What the table does not tell of the wasm kernels: that memory may grow, and what they are not given. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { blockGrid } from '../../grid.js';
import { convolutionInfo } from '../../ops/im2col/convolution-info.js';
import { patternOf } from '../../pattern.js';
import { expectClose, randomTensor, weightMask, withoutLeaks } from '../../test-support.js';
import '../wasm.js';
import type { WasmBackend } from './heap.js';
import { memoryOf } from './instantiate.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

/** The kernel itself, without the checks of the op that calls it. */
function run(name: string, inputs: tf.NamedTensorMap, attributes: object): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap) as tf.Tensor;
}

const pattern = patternOf(blockGrid([6, 4], [4, 4]), Uint8Array.of(1, 1));
const convolution = convolutionInfo([1, 4, 4, 2], [3, 3, 2, 1]);

describe('the wasm kernels', () => {
  it('work on after the memory has grown', () => {
    withoutLeaks(() => {
      const wide = patternOf(
        blockGrid([64, 64], [16, 16]),
        Uint8Array.from({ length: 16 }, (_, i) => i % 3 && 1),
      );
      const x = randomTensor([9, 64], 1);
      const matrix = randomTensor([64, 64], 2);
      const values = run('GatherBlocks', { matrix }, { pattern: wide });
      const memory = memoryOf(tf.backend() as unknown as WasmBackend);
      const before = memory.buffer.byteLength;
      const large = tf.zeros([before / 2]);
      expect(memory.buffer.byteLength).toBeGreaterThan(before);
      const y = run('BlockSparseMatMul', { x, values }, { pattern: wide });
      large.dispose();
      expectClose(y, tf.matMul(x, matrix.mul(weightMask(wide))));
    });
  });

  it('take inputs that another backend computed', async () => {
    await tf.setBackend('cpu');
    const x = randomTensor([3, 6], 1);
    const values = randomTensor([24], 2);
    await tf.setBackend('wasm');
    const y = run('BlockSparseMatMul', { x, values }, { pattern });
    expectClose(y, tf.matMul(x, values.reshape<tf.Tensor2D>([6, 4])));
    tf.dispose([x, values, y]);
  });

  it('say of wrong inputs what they are, before they touch memory', () => {
    withoutLeaks(() => {
      const x = tf.zeros([2, 6]);
      const values = tf.zeros([24]);
      const cases: [string, tf.NamedTensorMap, object, string][] = [
        ['BlockSparseMatMul', { x, values }, {}, "'pattern' must be a BlockPattern"],
        [
          'BlockSparseMatMul',
          { x: tf.zeros([2, 5]), values },
          { pattern },
          "'x' must have the shape [any, 6], got [2, 5]",
        ],
        [
          'BlockSparseMatMul',
          { x, values },
          { pattern, transposed: true },
          "'x' must have the shape [any, 4], got [2, 6]",
        ],
        [
          'BlockSparseMatMul',
          { x, values: tf.zeros([23]) },
          { pattern },
          "'values' must have the shape [24], got [23]",
        ],
        [
          'BlockSparseMatMul',
          { x, values, bias: tf.zeros([6]) },
          { pattern },
          "'bias' must have the shape [4], got [6]",
        ],
        ['BlockSparseMatMul', { x: x.toInt(), values }, { pattern }, "'x' must be float32, got int32"],
        ['BlockSparseMatMul', { x, values }, { pattern, activation: 'elu' }, "'linear' or 'relu', not 'elu'"],
        [
          'BlockSparseMatMul',
          { x: tf.zeros([2, 4]), values },
          { pattern, transposed: true, activation: 'relu' },
          'takes neither bias nor activation',
        ],
        [
          'BlockSparseWeightGradient',
          { x, dy: tf.zeros([3, 4]) },
          { pattern },
          "'dy' must have the shape [2, 4], got [3, 4]",
        ],
        ['GatherBlocks', { matrix: tf.zeros([4, 6]) }, { pattern }, "'matrix' must have the shape [6, 4]"],
        ['ScatterBlocks', {}, { pattern }, "'values' must be float32, got nothing"],
        [
          'ScaleBlockValues',
          { values, scale: tf.zeros([1, 2]) },
          { pattern },
          "'scale' must have the shape [2, 1]",
        ],
        ['BlockValuesDot', { a: values, b: x }, { pattern }, "'b' must have the shape [24], got [2, 6]"],
        ['Im2Col', { x }, {}, "'info' must be a Conv2DInfo"],
        [
          'Im2Col',
          { x: tf.zeros([1, 4, 4, 2]) },
          { info: { ...convolution, outHeight: 300 } },
          'the sizes of the convolution contradict one another: images [1, 4, 4, 2], filter [3, 3, 2, 1]',
        ],
        [
          'Im2Col',
          { x: tf.zeros([1, 4, 4, 2]) },
          { info: { ...convolution, strideWidth: NaN } },
          'contradict one another',
        ],
        [
          'Col2Im',
          { patches: tf.zeros([4, 18]) },
          { info: { ...convolution, dilationHeight: 2 ** 29 } },
          'contradict one another',
        ],
      ];
      for (const [name, inputs, attributes, message] of cases) {
        expect(() => run(name, inputs, attributes), message).toThrow(message);
      }
    });
  });
});
