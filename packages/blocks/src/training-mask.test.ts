/** What the table does not tell of ops under a mask of a training: memory that is given again, second derivatives. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { beforeEach, describe, expect, it } from 'vitest';

import './backends/cpu.js';
import './backends/wasm.js';
import type { WasmBackend } from './backends/wasm/heap.js';
import { offsetOf } from './backends/wasm/heap.js';
import { blockGrid } from './grid.js';
import { keepAll } from './mask.js';
import { attendBlocks } from './ops/attend-blocks/index.js';
import { gatherBlocks } from './ops/gather-blocks/index.js';
import { keepBlocks } from './ops/keep-blocks/index.js';
import { scaleByPower, scaleByThreshold } from './ops/scale-by-norms/index.js';
import { expectClose, finiteDifferences, randomTensor } from './test-support.js';
import { TrainingMask } from './training-mask.js';

const grid = blockGrid([2, 8], [1, 4]);
const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());
const matrixOf = (first: number) =>
  tf.tensor2d(
    Array.from({ length: 16 }, (_, at) => first + at),
    [2, 8],
  );
/** The blocks of `matrixOf` that a mask keeps, by hand. */
const kept = (first: number, mask: readonly number[]) =>
  Array.from({ length: 16 }, (_, at) => (mask[Math.floor(at / 4)] ? first + at : 0));

describe('results on wasm', () => {
  beforeEach(async () => {
    await tf.setBackend('wasm');
  });
  const placeOf = (tensor: tf.Tensor) => offsetOf(tf.backend() as unknown as WasmBackend, tensor);

  it('lie in the same memory, under another data id, once nobody else holds them', () => {
    const before = tf.memory().numTensors;
    const mask = new TrainingMask(grid, Uint8Array.of(1, 0, 0, 1));
    const [a, b] = [matrixOf(1), matrixOf(101)];
    const first = keepBlocks(a, mask);
    const [place, { dataId }] = [placeOf(first), first];
    expect(values(first)).toEqual(kept(1, [1, 0, 0, 1]));
    first.dispose();
    const second = keepBlocks(b, mask);
    expect(placeOf(second)).toBe(place);
    expect(second.dataId).not.toBe(dataId);
    expect(values(second)).toEqual(kept(101, [1, 0, 0, 1]));
    expect(mask.tensors).toBe(1);
    tf.dispose([a, b, second]);
    mask.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('are left alone while they are held, as tensors, as clones or in a variable', () => {
    const before = tf.memory();
    const mask = new TrainingMask(grid, Uint8Array.of(0, 1, 0, 0));
    const matrices = Array.from({ length: 8 }, (_, i) => matrixOf(10 * i));
    const results = matrices.map((matrix) => keepBlocks(matrix, mask));
    // More than are kept for reuse.
    expect(mask.tensors).toBeLessThan(results.length);
    results.forEach((result, i) => expect(values(result)).toEqual(kept(10 * i, [0, 1, 0, 0])));
    const variable = tf.variable(results[0]!);
    const shape = results[1]!.reshape([16]);
    tf.dispose(results);
    tf.tidy(() => {
      for (const matrix of matrices) keepBlocks(matrix, mask);
    });
    expect(values(variable)).toEqual(kept(0, [0, 1, 0, 0]));
    expect(values(shape)).toEqual(kept(10, [0, 1, 0, 0]));
    mask.dispose();
    expect(values(variable)).toEqual(kept(0, [0, 1, 0, 0]));
    tf.dispose([variable, shape, ...matrices]);
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  });

  it('are zero outside of the mask that comes next, which has their memory', () => {
    const before = tf.memory().numTensors;
    const matrix = matrixOf(1);
    const first = new TrainingMask(grid, Uint8Array.of(1, 1, 0, 0));
    const result = keepBlocks(matrix, first);
    const place = placeOf(result);
    result.dispose();
    const second = new TrainingMask(grid, Uint8Array.of(0, 1, 1, 0), first);
    expect([first.tensors, second.tensors]).toEqual([0, 1]);
    const next = keepBlocks(matrix, second);
    expect(placeOf(next)).toBe(place);
    expect(values(next)).toEqual(kept(1, [0, 1, 1, 0]));
    tf.dispose([matrix, next]);
    second.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('serve the gradient of what is gathered', () => {
    const mask = new TrainingMask(grid, Uint8Array.of(0, 0, 1, 0));
    const gradient = (first: number) =>
      tf.tidy(() => {
        const flow = tf.tensor1d([first, 2, 3, 4]);
        return values(
          tf.grad((m) =>
            gatherBlocks(m as tf.Tensor2D, mask)
              .mul(flow)
              .sum(),
          )(matrixOf(0)),
        );
      });
    expect(gradient(1)).toEqual([...Array(8).fill(0), 1, 2, 3, 4, 0, 0, 0, 0]);
    expect(gradient(5)).toEqual([...Array(8).fill(0), 5, 2, 3, 4, 0, 0, 0, 0]);
    mask.dispose();
  });
});

describe.each(['cpu', 'wasm'])('on %s', (backend) => {
  beforeEach(async () => {
    await tf.setBackend(backend);
  });

  it('what is pruned is zero, whatever it held and whatever flows back', () => {
    tf.tidy(() => {
      const mask = new TrainingMask(grid, Uint8Array.of(1, 0, 0, 1));
      const dirty = tf.tensor2d(
        Array.from({ length: 16 }, (_, at) => (at >= 4 && at < 12 ? NaN : at + 1)),
        [2, 8],
      );
      const logits = tf.zeros([...grid.gridShape]) as tf.Tensor2D;
      const clean = kept(1, [1, 0, 0, 1]);
      expect(values(keepBlocks(dirty, mask))).toEqual(clean);
      expect(values(attendBlocks(dirty, logits, mask))).toEqual(clean);
      const gradient = tf.grad((m) => attendBlocks(m as tf.Tensor2D, logits, mask))(matrixOf(0), dirty);
      expect(values(gradient)).toEqual(clean);
      mask.dispose();
    });
  });

  it('of a block of zeros, a power has the gradient 0, and a threshold its leak', () => {
    tf.tidy(() => {
      const mask = new TrainingMask(grid, keepAll(4));
      const zeros = tf.zeros([2, 8]) as tf.Tensor2D;
      const by = (of: 'blocks' | 'weights') => [
        tf.grad((m) => scaleByPower(m as tf.Tensor2D, mask, { power: 1, of }))(zeros),
        tf.grad((m) => scaleByThreshold(m as tf.Tensor2D, tf.scalar(0.5), mask, { leak: 0.25, of }))(zeros),
      ];
      for (const of of ['blocks', 'weights'] as const) {
        const [power, threshold] = by(of);
        expect(values(power!)).toEqual(Array(16).fill(0));
        expect(values(threshold!)).toEqual(Array(16).fill(0.25));
      }
      mask.dispose();
    });
  });

  const ragged = blockGrid([5, 9], [2, 4]);
  const some = Uint8Array.from({ length: ragged.blocks }, (_, block) => Number(block % 3 !== 1));
  it.each<[string, (matrix: tf.Tensor2D, mask: TrainingMask) => tf.Tensor2D]>([
    ['keepBlocks', (matrix, mask) => keepBlocks(matrix, mask).square()],
    [
      'attendBlocks',
      (matrix, mask) => attendBlocks(matrix, randomTensor(ragged.gridShape, 3), mask, { temperature: 0.8 }),
    ],
    ['scaleByPower of blocks', (matrix, mask) => scaleByPower(matrix, mask, { power: 1.5, of: 'blocks' })],
    ['scaleByPower of weights', (matrix, mask) => scaleByPower(matrix, mask, { power: 2, of: 'weights' })],
    [
      'scaleByThreshold of blocks',
      (matrix, mask) => scaleByThreshold(matrix, tf.scalar(0.2), mask, { leak: 0.1, of: 'blocks' }),
    ],
  ])('the gradient of %s has a gradient', (_, run) => {
    tf.tidy(() => {
      const mask = new TrainingMask(ragged, some);
      const weight = randomTensor(ragged.matrixShape, 4);
      const slope = (matrix: tf.Tensor) =>
        tf
          .grad((x) =>
            run(x as tf.Tensor2D, mask)
              .square()
              .mul(weight)
              .sum(),
          )(matrix)
          .square()
          .sum() as tf.Scalar;
      const matrix = randomTensor(ragged.matrixShape, 1);
      expectClose(tf.grad(slope)(matrix), finiteDifferences(slope, [matrix])[0]!, 1e-2);
      mask.dispose();
    });
  });
});

it.each<[string, () => unknown, string]>([
  [
    'a mask of another grid',
    () => new TrainingMask(grid, Uint8Array.of(1)),
    'mask is of 1 blocks, there are 4',
  ],
  [
    'a mask before it of another grid',
    () => new TrainingMask(grid, keepAll(4), new TrainingMask(blockGrid([2, 4], [1, 2]), keepAll(4))),
    'The mask before is of a matrix [2, 4] in blocks of 1×2, this one of [2, 8] in 1×4',
  ],
  [
    'a matrix of another grid',
    () => tf.tidy(() => keepBlocks(tf.zeros([3, 8]), new TrainingMask(grid, keepAll(4)))),
    'matrix has shape [3, 8], the mask wants [2, 8]',
  ],
  [
    'a power of 0',
    () =>
      tf.tidy(() =>
        scaleByPower(matrixOf(0), new TrainingMask(grid, keepAll(4)), { power: 0, of: 'blocks' }),
      ),
    'scaleByPower(): power = 0',
  ],
])('%s is refused', (_, run, message) => {
  expect(run).toThrow(message);
});
