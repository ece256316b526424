/** The kernels of `native/kernels.cc`, where an addon of the native backend was compiled with them. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import '../tensorflow.js';
import { cases, plain, transposed } from '../../ops/block-sparse-matmul/cases.js';
import { gatherBlocks } from '../../ops/gather-blocks/index.js';
import { blockSparseMatMul, blockSparseWeightGradient } from '../../ops/block-sparse-matmul/index.js';
import { patternKeeping, randomTensor } from '../../test-support.js';
import { expectKernelsAsDefined } from '../../test-table.js';
import { startTensorflow } from '../../test-tensorflow.js';
import type { TensorflowBackend } from './kernel.js';
import { NATIVE_KERNELS } from './native.js';

const tensorflow = await startTensorflow();
const weightGradient = cases.find(({ name }) => name === 'blockSparseWeightGradient')!;
const backend = () => tf.backend() as unknown as TensorflowBackend;
const held = () => (backend().binding as unknown as { getNumOfTensors(): number }).getNumOfTensors();

describe.skipIf(tensorflow.absent)(`kernels of ours on tensorflow (${tensorflow.where})`, () => {
  beforeAll(async () => {
    await tf.setBackend('tensorflow');
  });

  it('are there where a compiler is', () => {
    expect(NATIVE_KERNELS in backend().binding).toBe(true);
  });

  // Every remainder of tiles of 6 or 4 rows, and of 16 or 8 columns; enough to be shared out over threads.
  it.each([
    [[96, 96], [32, 32], 13],
    [[70, 75], [24, 40], 6],
    [[33, 90], [11, 27], 5],
    [[120, 130], [8, 8], 100],
    [[260, 520], [32, 64], 64],
  ] as const)('multiply %s in blocks of %s by %i rows as defined', async (matrix, block, batch) => {
    for (const [seed, kept] of (['all', 'few', 'some', 'one', 'none'] as const).entries()) {
      const settings = { pattern: patternKeeping(matrix, block, kept, seed), batch };
      for (const row of [plain, transposed, weightGradient])
        await expectKernelsAsDefined(row, settings, seed);
    }
  });

  it('come to the same bits each time, on however many threads', () => {
    const pattern = patternKeeping([512, 512], [32, 32], 'few', 3);
    const [x, dy] = [randomTensor([128, 512], 1), randomTensor([128, 512], 2)];
    const bits = () =>
      tf.tidy(() => {
        const values = gatherBlocks(randomTensor([512, 512], 3), pattern);
        const results = [
          blockSparseMatMul(x, values, pattern),
          blockSparseMatMul(dy, values, pattern, { transposed: true }),
          blockSparseWeightGradient(x, dy, pattern),
        ];
        return results.map((result) => Buffer.from(result.dataSync().buffer.slice(0)).toString('base64'));
      });
    const first = bits();
    const before = held();
    for (let i = 0; i < 5; i++) expect(bits()).toEqual(first);
    expect(held()).toBe(before);
    tf.dispose([x, dy]);
  });

  it.each([
    ['a matrix that x does not fit', [2, 9], [8, 8, 8, 8, 64], [0, 1], /x does not fit the matrix/],
    ['values that are too few', [2, 8], [8, 8, 8, 8, 65], [0, 1], /values are not those of the kept blocks/],
    ['lists that are of another', [2, 8], [8, 8, 8, 16, 64], [0, 1], /lists of blocks do not fit/],
    ['lists that end too late', [2, 8], [8, 8, 8, 8, 64], [0, 3], /lists of blocks do not fit/],
  ])('refuse %s, and read nothing', (_, shape, sizes, pointers, message) => {
    const { binding } = backend();
    const integers = (values: number[]) =>
      binding.createTensor([values.length], binding.TF_INT32, Int32Array.from(values));
    const floats = (at: readonly number[]) =>
      binding.createTensor([...at], binding.TF_FLOAT, new Float32Array(at.reduce((a, b) => a * b, 1)));
    const inputs = [floats(shape), floats([64]), integers(pointers), integers([0]), integers([0])];
    const attributes = [{ name: 'sizes', type: binding.TF_ATTR_INT, value: sizes }];
    expect(() => binding.executeOp('EspalierBlockProduct', attributes, inputs, 1)).toThrow(message);
    for (const id of inputs) binding.deleteTensor(id);
  });
});
