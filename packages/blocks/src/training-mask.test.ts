/** What the table does not tell of ops under a mask of a training: memory that is given again, second derivatives. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { beforeEach, describe, expect, it } from 'vitest';

import './backends/cpu.js';
import './backends/wasm.js';
import type { WasmBackend } from './backends/wasm/heap.js';
import { offsetOf } from './backends/wasm/heap.js';
import { blockGrid, type BlockGrid } from './grid.js';
import { keepAll } from './mask.js';
import { attendBlocks } from './ops/attend-blocks/index.js';
import { gatherBlocks } from './ops/gather-blocks/index.js';
import { keepBlocks } from './ops/keep-blocks/index.js';
import { scaleBlocks } from './ops/scale-blocks/index.js';
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

  it('that were moved to another backend make room for others', async () => {
    const before = tf.memory().numTensors;
    const mask = new TrainingMask(grid, Uint8Array.of(1, 0, 0, 1));
    const matrix = matrixOf(1);
    const results = Array.from({ length: 4 }, () => keepBlocks(matrix, mask));
    await tf.setBackend('cpu');
    // What cpu computes with is moved to it.
    results.forEach((result) => result.add(1).dispose());
    await tf.setBackend('wasm');
    const first = keepBlocks(matrix, mask);
    const place = placeOf(first);
    first.dispose();
    const second = keepBlocks(matrix, mask);
    expect(placeOf(second)).toBe(place);
    expect(mask.tensors).toBe(1);
    results.forEach((result) => expect(values(result)).toEqual(kept(1, [1, 0, 0, 1])));
    tf.dispose([...results, second, matrix]);
    mask.dispose();
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

  // By kernels, and composed.
  describe.each([
    ['wide', [4, 4]],
    ['narrow', [8, 2]],
  ] as const)('in %s blocks', (shape, matrixShape) => {
    // A row of four numbers is a block, of a wide one; a column of them, of a narrow one.
    const isWide = shape === 'wide';
    const ofFours = blockGrid(matrixShape, isWide ? [1, 4] : [4, 2]);
    const fours = isWide ? blockGrid([4, 4], [1, 4]) : blockGrid([8, 2], [4, 1]);
    const asMatrix = (rows: number[][]) => {
      const matrix = tf.tensor2d(rows);
      return isWide
        ? matrix
        : (matrix.reshape([2, 2, 4]).transpose([0, 2, 1]).reshape([8, 2]) as tf.Tensor2D);
    };
    const asRows = (matrix: tf.Tensor) =>
      values(isWide ? matrix : matrix.reshape([2, 4, 2]).transpose([0, 2, 1]));
    const expectSame = (actual: number[], expected: number[]) => {
      expect(actual.map((value) => Number(value.toPrecision(5)))).toEqual(
        expected.map((value) => Number(value.toPrecision(5))),
      );
    };

    it('a fractional power of NaN and of infinity is what it is', () => {
      tf.tidy(() => {
        const mask = new TrainingMask(fours, keepAll(4));
        const matrix = asMatrix([
          [NaN, 1, 1, 1],
          [Infinity, 2, -Infinity, 1],
          [1, -1, 1, 1],
          [0, 0, 0, 0],
        ]);
        const of = (kind: 'blocks' | 'weights') => {
          const run = (m: tf.Tensor) => scaleByPower(m as tf.Tensor2D, mask, { power: 0.7, of: kind });
          return [asRows(run(matrix)), asRows(tf.grad(run)(matrix))] as const;
        };
        const [none, zeros] = [Array<number>(4).fill(NaN), Array<number>(4).fill(0)];
        const [root, slope] = [2 ** 0.7, 1.7];
        // Of a block of norm 2, ‖V‖^p (1 + p ⟨dy, V⟩ V / ‖V‖²); of one of an infinite norm, ∞ / ∞.
        const third = [1, -1, 1, 1].map((v) => root * (1 + (0.7 * 2 * v) / 4));
        const [byBlocks, ofBlocks] = of('blocks');
        const large = [Infinity, Infinity, -Infinity, Infinity];
        expectSame(byBlocks, [...none, ...large, root, -root, root, root, ...zeros]);
        expectSame(ofBlocks, [...none, ...none, ...third, ...zeros]);
        const [byWeights, ofWeights] = of('weights');
        const second = [Infinity, 2 * root, -Infinity, 1];
        expectSame(byWeights, [NaN, 1, 1, 1, ...second, 1, -1, 1, 1, ...zeros]);
        const slopes = [Infinity, slope * root, Infinity, slope];
        expectSame(ofWeights, [NaN, slope, slope, slope, ...slopes, ...Array(4).fill(slope), ...zeros]);
        mask.dispose();
      });
    });

    it('the sign of a weight of zero at a threshold of zero is −1, that of −0 too', () => {
      tf.tidy(() => {
        const mask = new TrainingMask(fours, keepAll(4));
        const rows = [...Array<number[]>(3).fill([0, 0, 0, 0]), [0, -0, 2, -3]];
        const flow = asMatrix([...Array<number[]>(3).fill([0, 0, 0, 0]), [1, 10, 100, 1000]]);
        const gradient = tf.grad((t) =>
          scaleByThreshold(asMatrix(rows), t, mask, { leak: 0, of: 'weights' }).mul(flow).sum(),
        )(tf.scalar(0));
        expect(values(gradient)).toEqual([1 + 10 - 100 + 1000]);
        mask.dispose();
      });
    });

    it('what is pruned is zero under a norm that is NaN too, and nothing is left behind', () => {
      const mask = new TrainingMask(fours, Uint8Array.of(1, 0, 0, 1));
      const [two, none] = [Array<number>(4).fill(2), Array<number>(4).fill(NaN)];
      const [matrix, t, logits] = tf.tidy(() => [
        asMatrix([two, none, none, two]),
        tf.scalar(1),
        tf.zeros<tf.Rank.R2>([...fours.gridShape]),
      ]);
      const before = tf.memory().numTensors;
      const held = mask.tensors;
      const results = (['blocks', 'weights'] as const).flatMap((of) => [
        scaleByPower(matrix, mask, { power: 1, of }),
        scaleByThreshold(matrix, t, mask, { leak: 0, of }),
      ]);
      results.push(attendBlocks(matrix, logits, mask));
      expect(tf.memory().numTensors - before).toBe(results.length + mask.tensors - held);
      const zeros = Array<number>(8).fill(0);
      // ‖V‖ = 4: 4 · 2 and 2 − 2 / 4; of weights, 2 · 2 and 2 − 1; the attention of equal logits is 1.
      expect(results.map((result) => tf.tidy(() => asRows(result)))).toEqual(
        [8, 1.5, 4, 1, 2].map((kept) => [...Array(4).fill(kept), ...zeros, ...Array(4).fill(kept)]),
      );
      tf.dispose([matrix, t, logits, ...results]);
      mask.dispose();
    });

    it('a mask that is replaced before the gradients come keeps nothing of them', () => {
      const before = tf.memory().numTensors;
      const first = new TrainingMask(
        ofFours,
        Uint8Array.from({ length: ofFours.blocks }, (_, b) => b % 2),
      );
      let second: TrainingMask | undefined;
      const [rows, columns] = ofFours.gridShape;
      tf.tidy(() => {
        const logits = tf.zeros<tf.Rank.R2>([rows, columns]);
        const gradient = tf.grad((m) => {
          const product = attendBlocks(m as tf.Tensor2D, logits, first);
          second = new TrainingMask(ofFours, keepAll(ofFours.blocks), first);
          return product.sum();
        })(tf.ones([...matrixShape]));
        expect(values(gradient)).toEqual(
          values(scaleBlocks(tf.ones([...matrixShape]), first.tensor, ofFours)),
        );
      });
      expect([first.isDisposed, first.tensors]).toEqual([true, 0]);
      second!.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });
  });

  const ragged = blockGrid([5, 9], [2, 4]);
  const narrow = blockGrid([5, 9], [2, 3]);
  type Row = [string, readonly number[], (x: tf.Tensor2D, mask: TrainingMask) => tf.Tensor2D];
  const rowsOf = (grid: BlockGrid): Row[] => {
    const matrix = () => randomTensor(grid.matrixShape, 1);
    const logits = () => randomTensor(grid.gridShape, 3);
    const attention = { temperature: 0.8 };
    const threshold = (of: 'blocks' | 'weights'): Row[] => [
      [
        `scaleByThreshold of ${of}`,
        grid.matrixShape,
        (x, mask) => scaleByThreshold(x, tf.scalar(0.26), mask, { leak: 0.1, of }),
      ],
      [
        `scaleByThreshold of ${of}, by the threshold,`,
        [],
        (t, mask) => scaleByThreshold(matrix(), t.abs(), mask, { leak: 0.1, of }),
      ],
    ];
    return [
      ['keepBlocks', grid.matrixShape, (x, mask) => keepBlocks(x, mask).square()],
      ['attendBlocks', grid.matrixShape, (x, mask) => attendBlocks(x, logits(), mask, attention)],
      [
        'attendBlocks, by the logits,',
        grid.gridShape,
        (x, mask) => attendBlocks(matrix(), x, mask, attention),
      ],
      [
        'scaleByPower of blocks',
        grid.matrixShape,
        (x, mask) => scaleByPower(x, mask, { power: 1.5, of: 'blocks' }),
      ],
      [
        'scaleByPower of weights',
        grid.matrixShape,
        (x, mask) => scaleByPower(x, mask, { power: 2, of: 'weights' }),
      ],
      ...threshold('blocks'),
      ...threshold('weights'),
    ];
  };
  it.each([
    ...rowsOf(ragged).map((row) => [...row, ragged] as const),
    ...rowsOf(narrow).map(([name, ...row]) => [`${name} in narrow blocks`, ...row, narrow] as const),
  ])('the gradient of %s has a gradient', (_, shape, run, grid) => {
    tf.tidy(() => {
      const some = Uint8Array.from({ length: grid.blocks }, (_, block) => Number(block % 3 !== 1));
      const mask = new TrainingMask(grid, some);
      const weight = randomTensor(grid.matrixShape, 4);
      const slope = (x: tf.Tensor) =>
        tf
          .grad((y) =>
            run(y as tf.Tensor2D, mask)
              .square()
              .mul(weight)
              .sum(),
          )(x)
          .square()
          .sum() as tf.Scalar;
      const x = randomTensor<tf.Tensor>(shape, 1);
      const gradient = tf.grad(slope)(x);
      expectClose(gradient, finiteDifferences(slope, [x])[0]!, 1e-2);
      expect(Math.max(...values(gradient).map(Math.abs))).toBeGreaterThan(0.1);
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
  [
    'a power that 32 bits do not hold',
    () =>
      tf.tidy(() =>
        scaleByPower(matrixOf(0), new TrainingMask(grid, keepAll(4)), { power: 2 ** 32, of: 'blocks' }),
      ),
    'scaleByPower(): power = 4294967296, and is to be a power, a number in (0, 64]',
  ],
])('%s is refused', (_, run, message) => {
  expect(run).toThrow(message);
});
