/** The kernels of `native/`, where an addon of the native backend was compiled with them. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import '../tensorflow.js';
import { cases as ofAttention } from '../../ops/attend-blocks/cases.js';
import { cases, plain, transposed } from '../../ops/block-sparse-matmul/cases.js';
import { cases as ofGathers } from '../../ops/gather-blocks/cases.js';
import { attendBlocks } from '../../ops/attend-blocks/index.js';
import { gatherBlocks } from '../../ops/gather-blocks/index.js';
import { keepBlocks } from '../../ops/keep-blocks/index.js';
import { cases as ofValues } from '../../ops/scale-block-values/cases.js';
import { cases as ofNorms } from '../../ops/scale-by-norms/cases.js';
import { UNCLIPPED } from '../../ops/softmax-attention/index.js';
import { blockSparseMatMul, blockSparseWeightGradient } from '../../ops/block-sparse-matmul/index.js';
import { KEPT, patternKeeping, randomTensor } from '../../test-support.js';
import { expectKernelsAsDefined } from '../../test-table.js';
import { startTensorflow } from '../../test-tensorflow.js';
import { TrainingMask } from '../../training-mask.js';
import { NATIVE_KERNELS, type TensorflowBackend } from './kernel.js';

const tensorflow = await startTensorflow();
const weightGradient = cases.find(({ name }) => name === 'blockSparseWeightGradient')!;
const rows = [...ofNorms, ...ofAttention];
/** Whose settings are a pattern. */
const ofPatterns = [...ofGathers, ...ofValues];
const scaling = [
  ['scaleByPower', { of: 'blocks', power: 1 }],
  ['scaleByPower', { of: 'blocks', power: 1.7 }],
  ['scaleByThreshold', { of: 'blocks', leak: 0 }],
  ['scaleByThreshold', { of: 'blocks', leak: 0.2 }],
  ['attendBlocks', { normalised: true, temperature: 1, ...UNCLIPPED }],
] as const;
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
    { matrix: [96, 96], block: [32, 32], batch: 13, keeping: KEPT },
    { matrix: [70, 75], block: [24, 40], batch: 6, keeping: KEPT },
    { matrix: [33, 90], block: [11, 27], batch: 5, keeping: KEPT },
    { matrix: [120, 130], block: [8, 8], batch: 100, keeping: KEPT },
    { matrix: [260, 520], block: [32, 64], batch: 64, keeping: ['some'] },
  ] as const)(
    'multiply $matrix in blocks of $block as defined',
    async ({ matrix, block, batch, keeping }) => {
      for (const [seed, kept] of keeping.entries()) {
        const settings = { pattern: patternKeeping(matrix, block, kept, seed), batch };
        for (const row of [plain, transposed, weightGradient])
          await expectKernelsAsDefined(row, settings, seed);
      }
    },
  );

  // Whole and at ragged edges; the last is enough to be shared out over threads.
  it.each([
    { matrix: [96, 96], block: [32, 32], keeping: KEPT, ways: scaling },
    { matrix: [70, 75], block: [24, 40], keeping: KEPT, ways: scaling },
    { matrix: [33, 90], block: [11, 27], keeping: KEPT, ways: scaling },
    { matrix: [1030, 1030], block: [32, 32], keeping: ['some'], ways: scaling.slice(3) },
  ] as const)(
    'gather and scale the blocks of $matrix, $block, as defined',
    async ({ matrix, block, keeping, ways }) => {
      for (const [seed, kept] of keeping.entries()) {
        const pattern = patternKeeping(matrix, block, kept, seed);
        for (const row of ofPatterns) await expectKernelsAsDefined(row, pattern, seed);
        for (const [name, settings] of ways) {
          const row = rows.find((each) => each.name === name)!;
          const mask = new TrainingMask(pattern.grid, pattern.mask());
          await expectKernelsAsDefined(row, { mask, ...settings }, seed);
        }
      }
    },
  );

  it.each([
    [
      [96, 96],
      [32, 32],
    ],
    [
      [70, 75],
      [24, 40],
    ],
    [
      [33, 90],
      [11, 27],
    ],
  ] as const)('take %j in blocks of %j for their kept blocks, to the same bits', (matrix, block) => {
    const pattern = patternKeeping(matrix, block, 'few', 1);
    const mask = new TrainingMask(pattern.grid, pattern.mask());
    const [weight, flow] = [randomTensor([...matrix], 1), randomTensor([...matrix], 2)] as tf.Tensor2D[];
    const logits = randomTensor([...pattern.grid.gridShape], 3) as tf.Tensor2D;
    const ways = [
      (w: tf.Tensor, l: tf.Tensor) => attendBlocks(w as tf.Tensor2D, l as tf.Tensor2D, mask),
      (w: tf.Tensor, l: tf.Tensor) => keepBlocks(w as tf.Tensor2D, mask).mul(l.sum()),
    ];
    for (const way of ways) {
      const both = () =>
        tf.tidy(() => {
          const { value, grads } = tf.valueAndGrads((w: tf.Tensor, l: tf.Tensor) =>
            way(w, l).mul(flow!).sum(),
          )([weight!, logits], tf.scalar(1));
          return [value, ...grads].map((each) => each.dataSync().slice());
        });
      const first = both();
      for (let i = 0; i < 4; i++) expect(both()).toEqual(first);
    }
    tf.dispose([weight!, flow!, logits]);
    mask.dispose();
  });

  it.each([0, -0.5])('step from %d to 1 above zero, and leave what is no number', (alpha) => {
    // (What is smaller than the least normal number is zero to TensorFlow.)
    const x = [1e-37, 3, Infinity, 0, -0, -1e-37, -2, -Infinity, NaN, 1, -1];
    const step = tf.tidy(() => tf.tensor1d(x).step(alpha).dataSync().slice());
    const expected = x.map((each) => (Number.isNaN(each) ? NaN : each > 0 ? 1 : alpha));
    expect(step).toEqual(Float32Array.from(expected));
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
