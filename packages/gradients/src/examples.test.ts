/**
 * One small call of each repair, by hand. What flows in is 1, 2, 3, …; so are the inputs. What tfjs 4.22 makes of it is here to
 * tell when a repair has become needless. The sweep of `gradient-conformance` goes over all calls.
 */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { repairGradients } from './index.js';

type Op = (x: tf.Tensor) => tf.Tensor;
type Outcome = readonly number[] | RegExp;

interface Example {
  readonly shape: readonly number[];
  readonly op: Op;
  readonly right: readonly number[];
  /** What tfjs gives, by backend; where nothing stands, the right thing, or what was in memory. */
  readonly stock: Readonly<Partial<Record<'cpu' | 'wasm', Outcome>>>;
}

const both = (outcome: Outcome) => ({ cpu: outcome, wasm: outcome });
const image = (x: tf.Tensor) => x as tf.Tensor4D;
const volume = (x: tf.Tensor) => x as tf.Tensor5D;
const column = [1, 3, 1, 1];

const examples: Readonly<Record<string, Example>> = {
  // 2 1 2 3 2: what flows to the first and the last is the middle's.
  mirrorPad: {
    shape: [3],
    op: (x) => tf.mirrorPad(x, [[1, 1]], 'reflect'),
    right: [2, 1 + 3 + 5, 4],
    stock: both([2, 3, 4]),
  },
  'cumsum along the rows': {
    shape: [2, 2],
    op: (x) => tf.cumsum(x, 0),
    right: [1 + 3, 2 + 4, 3, 4],
    stock: both([4, 3, 6, 4]),
  },
  // wasm writes beyond its memory for it.
  'cumsum, its axis from the back': {
    shape: [2, 2],
    op: (x) => tf.cumsum(x, -2),
    right: [4, 6, 3, 4],
    stock: { cpu: /NaN elements/ },
  },
  floorDiv: { shape: [1], op: (x) => tf.floorDiv(x, 2), right: [0], stock: both([0.5]) },
  '0 to the 0': { shape: [1], op: (x) => tf.pow(tf.sub(x, 1), 0), right: [0], stock: both([NaN]) },
  'max of a tie': {
    shape: [2],
    op: (x) => tf.max(tf.minimum(x, tf.ones([2]))),
    // Of x₂ = 2, minimum has no slope.
    right: [0.5, 0],
    stock: both([1, 0]),
  },
  'prod over the last axis': {
    shape: [2],
    op: (x) => tf.prod(x, -1),
    right: [2, 1],
    stock: both(/rank of input 1 must match length of perm/),
  },
  'maximum that broadcasts': {
    shape: [1],
    op: (x) => tf.maximum(x, tf.zeros([3])),
    right: [1 + 2 + 3],
    stock: both(/does not match the shape of the input/),
  },
  'squaredDifference that broadcasts': {
    shape: [1],
    op: (x) => tf.squaredDifference(x, tf.zeros([2])),
    right: [2 * (1 + 2)],
    stock: both(/does not match the shape of the input/),
  },
  'matMul that broadcasts': {
    shape: [1, 1, 1],
    op: (x) => tf.matMul(x, tf.ones([2, 1, 1])),
    right: [1 + 2],
    stock: both(/does not match the shape of the input/),
  },
  'tile of five axes': {
    shape: [1, 1, 1, 1, 1],
    op: (x) => tf.tile(x, [2, 1, 1, 1, 1]),
    right: [1 + 2],
    stock: both(/not implemented for rank-5/),
  },
  'unstack into one': {
    shape: [1, 2],
    op: (x) => tf.unstack(x)[0]!,
    right: [1, 2],
    stock: both(/Argument tensors passed to stack/),
  },
  einsum: {
    shape: [2, 2],
    op: (x) => tf.einsum('ij,jk->ik', x, tf.ones([2, 2])),
    right: [1 + 2, 1 + 2, 3 + 4, 3 + 4],
    stock: { cpu: /gradient function not found/, wasm: /not registered for backend 'wasm'/ },
  },
  // The last average is of one element.
  avgPool: {
    shape: column,
    op: (x) => tf.avgPool(image(x), [2, 1], 1, 'same'),
    right: [1 / 2, (1 + 2) / 2, 2 / 2 + 3],
    stock: both([0.5, 1.5, 2.5]),
  },
  avgPool3d: {
    shape: [...column, 1],
    op: (x) => tf.avgPool3d(volume(x), [2, 1, 1], 1, 'same'),
    right: [0.5, 1.5, 4],
    stock: both([0.5, 1.5, 2.5]),
  },
  maxPool3d: {
    shape: [1, 1, 4, 1, 1],
    op: (x) => tf.maxPool3d(volume(x), [1, 3, 1], 1, 'valid'),
    right: [0, 0, 1, 2],
    stock: { cpu: [0, 0, 0, 0] },
  },
  // −1 … −4: stock wasm gives 1.2 · 10⁻³⁸, twice.
  'maxPool3d of negative numbers': {
    shape: [1, 1, 4, 1, 1],
    op: (x) => tf.neg(tf.maxPool3d(volume(tf.neg(x)), [1, 3, 1], 1, 'valid')),
    right: [1, 2, 0, 0],
    stock: {},
  },
  'maxPool, its windows rounded up': {
    shape: [1, 3, 3, 1],
    op: (x) => tf.maxPool(image(x), 2, 2, 0, 'ceil'),
    right: [0, 0, 0, 0, 1, 2, 0, 3, 4],
    stock: both([0, 0, 0, 0, 1, 0, 0, 0, 0]),
  },
  'dilation2d of negative numbers': {
    shape: [1, 2, 2, 1],
    op: (x) => tf.neg(tf.dilation2d(image(tf.neg(x)), tf.zeros([2, 2, 1]), 2, 'valid')),
    right: [1, 0, 0, 0],
    stock: {},
  },
  'resizeNearestNeighbor of two images': {
    shape: [2, 1, 1, 1],
    op: (x) => tf.image.resizeNearestNeighbor(image(x), [2, 1]),
    right: [1 + 2, 3 + 4],
    stock: { cpu: [1 + 2, 2 + 3] },
  },
  'resizeNearestNeighbor, half-pixel centres': {
    shape: column,
    op: (x) => tf.image.resizeNearestNeighbor(image(x), [2, 1], false, true),
    right: [1, 0, 2],
    stock: both([1, 2, 0]),
  },
  // Rows at 0, 1/4, 3/4 and 1 of the way.
  'resizeBilinear, half-pixel centres': {
    shape: [1, 2, 1, 1],
    op: (x) => tf.image.resizeBilinear(image(x), [4, 1], false, true),
    right: [1 + 2 * 0.75 + 3 * 0.25, 2 * 0.25 + 3 * 0.75 + 4],
    stock: { cpu: /does not match the shape of the input/, wasm: [1 + 2 / 2, 2 / 2 + 3 + 4] },
  },
  'conv3d, dilated': {
    shape: [1, 3, 1, 1, 1],
    op: (x) => tf.conv3d(volume(x), tf.ones([2, 1, 1, 1, 1]), 1, 'valid', 'NDHWC', [2, 1, 1]),
    right: [1, 0, 1],
    stock: both(/dilation rates greater than 1/),
  },
  // 0 1 2 3, every second of which is multiplied.
  'conv3d by its filter, strides of 2': {
    shape: [1, 1, 1, 1, 1],
    op: (filter) =>
      tf.conv3d(
        tf.tensor([0, 1, 2, 3], [1, 1, 1, 4, 1]) as tf.Tensor5D,
        filter as tf.Tensor5D,
        2,
        'valid',
      ) as tf.Tensor,
    right: [1 * 0 + 2 * 2],
    stock: { wasm: [0] },
  },
  conv3dTranspose: {
    shape: [1, 1, 1, 1, 1],
    op: (x) => tf.conv3dTranspose(volume(x), tf.ones([2, 1, 1, 1, 1]), [1, 2, 1, 1, 1], 1, 'valid'),
    right: [1 + 2],
    stock: both(/gradient function not found/),
  },
  // Slopes of the rows, which wasm takes for those of the columns: −1 −2 −6 −8.
  'prelu, a slope a row': {
    shape: [2, 2],
    op: (x) => tf.mul(tf.prelu(tf.neg(x), tf.tensor2d([[1], [2]])), tf.neg(x)),
    // Of 1 · x², and of 2 · x².
    right: [2 * 1 * 1, 2 * 2 * 2, 4 * 3 * 3, 4 * 4 * 4],
    stock: { wasm: [1 + 1, 2 * (4 + 2), 3 * (3 + 6), 4 * (8 + 8)] },
  },
};

function gradient({ shape, op }: Example): readonly number[] {
  return tf.tidy(() => {
    const upwards = (sizes: readonly number[]) =>
      tf.reshape(tf.range(1, tf.util.sizeFromShape([...sizes]) + 1), [...sizes]);
    const x = upwards(shape);
    return Array.from(
      tf
        .grad(op)(x, upwards(op(x).shape))
        .dataSync(),
    ) as never;
  }) as readonly number[];
}

function expectOutcome(example: Example, outcome: Outcome): void {
  if (outcome instanceof RegExp) {
    expect(() => gradient(example)).toThrow(outcome);
    return;
  }
  const values = gradient(example);
  expect(values).toHaveLength(outcome.length);
  outcome.forEach((value, i) => {
    if (Number.isNaN(value)) expect(values[i]).toBeNaN();
    else expect(values[i]).toBeCloseTo(value, 5);
  });
}

const cases = Object.entries(examples);

describe.each(['cpu', 'wasm'] as const)('on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each(cases.filter(([, { stock }]) => stock[backend] !== undefined))(
    'tfjs is wrong in the gradient of %s',
    (_, example) => expectOutcome(example, example.stock[backend]!),
  );
});

// Gradient functions are of all backends: the stock ones are gone for good.
describe.each(['cpu', 'wasm'] as const)('repaired, on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
    repairGradients();
  });

  it.each(cases)('the gradient of %s is right', (_, example) => expectOutcome(example, example.right));
});
