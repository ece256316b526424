import * as tf from '@tensorflow/tfjs';
import { beforeAll, it } from 'vitest';
import '../index.js';
import { expectSameAsCpu } from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const image = () => tf.ones<tf.Rank.R4>([0, 5, 4, 2]);
const filter = () => tf.ones<tf.Rank.R4>([3, 3, 2, 4]);
const depthwise = () => tf.ones<tf.Rank.R4>([3, 2, 2, 2]);
const indices = () => tf.tensor1d([], 'int32');

/** All gradients of the sum of an op's output. */
function gradients(op: (...xs: tf.Tensor[]) => tf.Tensor, ...xs: tf.Tensor[]): tf.Tensor[] {
  return tf.grads((...args: tf.Tensor[]) => op(...args).sum())(xs);
}

const cases: Record<string, () => tf.Tensor | tf.Tensor[]> = {
  'a product without rows': () => tf.matMul(tf.ones([0, 3]), tf.ones([3, 2])),
  'a product over nothing': () => tf.matMul(tf.ones([2, 0]), tf.ones([0, 3])),
  'a product of no matrices': () => tf.matMul(tf.ones([0, 2, 3]), tf.ones([0, 3, 2])),
  'a fused product over nothing': () =>
    tf.fused.matMul({
      a: tf.ones([2, 0]),
      b: tf.ones([0, 2]),
      bias: tf.tensor1d([-1, 2]),
      activation: 'relu',
    }),
  'the gradients of a product': () =>
    gradients((a, b) => tf.matMul(a!, b!), tf.ones([0, 3]), tf.ones([3, 2])),
  'a convolution': () => tf.conv2d(image(), filter(), 2, 'same'),
  'a fused convolution': () =>
    tf.fused.conv2d({ x: image(), filter: filter(), strides: 1, pad: 'valid', bias: tf.ones([4]) }),
  'the gradients of a convolution': () =>
    gradients((x, f) => tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, 'same'), image(), filter()),
  'a transposed convolution': () =>
    tf.conv2dTranspose(image(), tf.ones([3, 3, 4, 2]), [0, 10, 8, 4], 2, 'same'),
  'a depthwise convolution': () => tf.depthwiseConv2d(image(), depthwise(), 1, 'same'),
  'the gradients of a depthwise convolution': () =>
    gradients(
      (x, f) => tf.depthwiseConv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, 'same'),
      image(),
      depthwise(),
    ),
  'the gradient of max pooling': () => gradients((x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'), image()),
  'the gradient of average pooling': () =>
    gradients((x) => tf.avgPool(x as tf.Tensor4D, 2, 2, 'valid'), image()),
  'batch normalisation and its gradients': () =>
    gradients(
      (x, offset, scale) =>
        tf.batchNorm(x!, tf.ones([2]), tf.ones([2]), offset as tf.Tensor1D, scale as tf.Tensor1D),
      image(),
      tf.ones([2]),
      tf.ones([2]),
    ),
  'sums and means': () => [
    tf.sum(tf.ones([0, 3]), 0),
    tf.mean(tf.ones([0, 3]), 0),
    tf.sum(tf.ones([0, 3]), 1),
  ],
  'the gradients of sums and means': () => gradients((x) => tf.mean(x!, 0).add(tf.sum(x!)), tf.ones([0, 3])),
  'the gradients of a broadcast sum': () =>
    gradients((a, b) => tf.add(a!, b!), tf.ones([0, 3]), tf.ones([3])),
  'the gradient of relu': () => gradients((x) => tf.relu(x!), tf.ones([0, 3])),
  tiles: () => [tf.tile(tf.ones([0, 3]), [2, 1]), tf.tile(tf.ones([2, 3]), [1, 0])],
  slices: () => [
    tf.slice(tf.ones([4, 3]), [1, 0], [0, 3]),
    ...tf.split(tf.ones([0, 4]), 2, 1),
    ...tf.unstack(tf.ones([2, 0])),
  ],
  'a look-up of nothing, and its gradient': () => [
    tf.gather(tf.ones([4, 3]), indices()),
    ...gradients((x) => tf.gather(x!, indices()), tf.ones([4, 3])),
  ],
  'segments of nothing': () => tf.unsortedSegmentSum(tf.ones([0, 3]), indices(), 2),
  einsums: () => [
    tf.einsum('ij,jk->ik', tf.ones([0, 3]), tf.ones([3, 2])),
    tf.einsum('ij,jk->ik', tf.ones([2, 0]), tf.ones([0, 2])),
  ],
};

it.each(Object.keys(cases))('%s, of an empty batch: as on the cpu backend', async (name) => {
  await expectSameAsCpu(cases[name]!);
});
