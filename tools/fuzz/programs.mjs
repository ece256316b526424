/** Small programs that between them call every kernel that Espalier has for wasm, forward and backward. */
import {
  attendBlocks,
  attentionWeights,
  blockDot,
  blockGrid,
  blockSparseConv2d,
  blockSparseMatMul,
  blockValuesDot,
  col2im,
  convolutionInfo,
  gatherBlocks,
  im2col,
  keepBlocks,
  lookUpRows,
  patternOf,
  scaleBlocks,
  scaleBlockValues,
  scaleByPower,
  scaleByThreshold,
  TrainingMask,
} from '@espalier/blocks';
import { adam, sgd, softmaxCrossEntropy } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';

let seed = 1;
const random = (...shape) => tf.randomNormal(shape, 0, 1, 'float32', seed++);
const positive = (...shape) => random(...shape).abs();

/** The result of a function of tensors, and its gradients by all of them. */
const withGradients =
  (f, ...shapes) =>
  () => {
    const inputs = shapes.map((shape) => random(...shape));
    return tf.grads((...given) => f(...given).square())(inputs);
  };

function pattern(matrix, block) {
  const grid = blockGrid(matrix, block);
  return patternOf(
    grid,
    Uint8Array.from({ length: grid.blocks }, (_, at) => Number(at % 3 !== 1)),
  );
}

const products = [
  [
    [9, 7],
    [4, 4],
  ],
  [
    [20, 15],
    [5, 5],
  ],
  [
    [32, 32],
    [16, 16],
  ],
  [
    [33, 16],
    [8, 16],
  ],
].flatMap(([matrix, block]) =>
  [1, 2, 5, 9].flatMap((batch) => {
    const own = pattern(matrix, block);
    const [n, m] = matrix;
    return [
      withGradients(
        (x, values, bias) => blockSparseMatMul(x, values, own, { bias, activation: 'relu' }),
        [batch, n],
        [own.size],
        [m],
      ),
      withGradients(
        (x, values) => blockSparseMatMul(x, values, own, { transposed: true }),
        [batch, m],
        [own.size],
      ),
    ];
  }),
);

const convolutions = [
  { filterShape: [3, 3, 4, 8], pad: 'same' },
  { filterShape: [2, 3, 4, 8], strides: 2, pad: 'valid' },
  { filterShape: [1, 1, 4, 8] },
].map((options) => {
  const [h, w, channels, filters] = options.filterShape;
  const own = pattern([h * w * channels, filters], [4, 4]);
  return withGradients(
    (x, values, bias) => blockSparseConv2d(x, values, own, { ...options, bias }),
    [2, 7, 6, 4],
    [own.size],
    [8],
  );
});

const grid = blockGrid([9, 7], [4, 3]);
const kept = pattern([9, 7], [4, 3]);
const patches = convolutionInfo([2, 5, 6, 3], [3, 2, 3, 4], { pad: 'same' });

/** Masks that keep most blocks of a matrix, and all. */
const maskings = [
  [
    [9, 7],
    [4, 4],
  ],
  [
    [33, 16],
    [8, 16],
  ],
].flatMap(([matrix, block]) => {
  const grid = blockGrid(matrix, block);
  return [3, Infinity].map((every) => {
    const bits = Uint8Array.from({ length: grid.blocks }, (_, at) => Number((at + 1) % every !== 0));
    return [new TrainingMask(grid, bits), matrix];
  });
});

const onBlocks = [
  withGradients((matrix, scale) => scaleBlocks(matrix, scale, grid), [9, 7], grid.gridShape),
  withGradients((a, b) => blockDot(a, b, grid), [9, 7], [9, 7]),
  withGradients((matrix) => gatherBlocks(matrix, kept), [9, 7]),
  withGradients((values) => lookUpRows(values, tf.tensor1d([8, 0, 3, 3], 'int32'), kept), [kept.size]),
  withGradients((values, scale) => scaleBlockValues(values, scale, kept), [kept.size], grid.gridShape),
  withGradients((a, b) => blockValuesDot(a, b, kept), [kept.size], [kept.size]),
  withGradients((logits) => attentionWeights(logits), [4, 5]),
  withGradients((logits) => attentionWeights(logits, { normalised: false, maximum: 2 }), [4, 5]),
  withGradients((x) => im2col(x, patches), patches.inShape),
  withGradients((rows) => col2im(rows, patches), [60, 18]),
  ...maskings.flatMap(([mask, matrix]) => [
    withGradients((x) => keepBlocks(x, mask), matrix),
    withGradients((x, logits) => attendBlocks(x, logits, mask), matrix, mask.grid.gridShape),
    ...['blocks', 'weights'].flatMap((of) => [
      withGradients((x) => scaleByPower(x, mask, { power: 1.5, of }), matrix),
      withGradients((x, t) => scaleByThreshold(x, t.abs(), mask, { leak: 0.1, of }), matrix, []),
    ]),
  ]),
];

const optimised = [
  sgd({ learningRate: 0.1 }),
  sgd({ learningRate: 0.1, momentum: 0.9 }),
  adam({ learningRate: 0.1 }),
].map((optimizer) => () => {
  const weight = tf.variable(random(5, 3));
  optimizer.applyGradients({ [weight.name]: random(5, 3) });
  optimizer.dispose();
  weight.dispose();
});

const layers = [
  withGradients((labels, logits) => softmaxCrossEntropy(labels.abs(), logits), [5, 4], [5, 4]),
  withGradients((a, b) => tf.matMul(a, b), [2, 5, 7], [2, 7, 9]),
  () => tf.matMul(random(3, 5, 7), random(1, 7, 9)),
  withGradients((a, b) => tf.matMul(a, b, true, true), [7, 5], [9, 7]),
  withGradients((a, b, bias) => tf.fused.matMul({ a, b, bias, activation: 'relu' }), [5, 7], [7, 9], [9]),
  withGradients((x, filter) => tf.conv2d(x, filter, 1, 'same'), [2, 6, 5, 3], [3, 3, 3, 4]),
  withGradients((x, filter) => tf.conv2d(x, filter, 2, 'valid'), [2, 6, 5, 3], [3, 2, 3, 4]),
  withGradients((x, filter) => tf.conv2d(x, filter, 1, 'same', 'NHWC', 2), [2, 6, 5, 3], [3, 3, 3, 4]),
  withGradients(
    (x, filter, bias) => tf.fused.conv2d({ x, filter, bias, strides: 1, pad: 'same', activation: 'relu' }),
    [2, 6, 5, 3],
    [3, 3, 3, 4],
    [4],
  ),
  withGradients((x, filter) => tf.conv2d(x, filter, 1, 'same'), [4, 8, 9, 8], [3, 3, 8, 16]),
  withGradients((x, filter) => tf.depthwiseConv2d(x, filter, 1, 'same'), [2, 6, 5, 4], [3, 3, 4, 2]),
  withGradients((x) => tf.maxPool(x, 3, 2, 'same'), [2, 6, 5, 3]),
  withGradients((x) => tf.avgPool(x, 2, 1, 'same'), [2, 6, 5, 3]),
  withGradients(
    (x, mean, variance, offset, scale) => tf.batchNorm(x, mean, variance.abs(), offset, scale),
    [4, 3, 5],
    [5],
    [5],
    [5],
    [5],
  ),
  () => {
    const layer = tf.layers.batchNormalization({});
    const gradient = tf.grad((x) => layer.apply(x, { training: true }).square())(random(4, 3, 5));
    layer.dispose();
    return gradient;
  },
  withGradients((x) => tf.relu(x), [4, 5]),
  withGradients((x) => tf.tanh(x), [4, 5]),
  withGradients((x) => tf.sum(x, 1), [4, 5, 3]),
  withGradients((x) => tf.mean(x, [0, 1]), [4, 5, 3]),
  ...[tf.add, tf.sub, tf.mul, tf.squaredDifference, tf.maximum, tf.minimum].map(
    (f) => () => f(random(4, 5), random(5)),
  ),
  () => tf.div(random(4, 5), positive(4, 1)),
  () => tf.tile(random(2, 3), [3, 2]),
  () => tf.slice(random(4, 5, 3), [1, 0, 0], [2, 5, 3]),
  () => tf.split(random(4, 6), [2, 4], 1),
  () => tf.unstack(random(4, 3), 1),
  () => tf.gather(random(4, 3), tf.tensor1d([0, 3, 1], 'int32')),
  () => tf.unsortedSegmentSum(random(4, 3), tf.tensor1d([0, 2, 1, 0], 'int32'), 3),
  () => tf.einsum('bij,bjk->bik', random(2, 3, 4), random(2, 4, 5)),
];

/** Kernels of `@espalier/gradients`, in the place of tfjs' own. */
const repaired = [
  withGradients((x, filter) => tf.conv3d(x, filter, 1, 'same'), [2, 3, 4, 3, 2], [2, 2, 2, 2, 3]),
  withGradients((x, filter) => tf.conv3d(x, filter, 2, 'valid'), [1, 5, 4, 4, 2], [2, 1, 2, 2, 3]),
  withGradients((x, filter) => tf.dilation2d(x, filter, 1, 'same'), [2, 5, 4, 2], [3, 2, 2]),
  withGradients((x) => tf.maxPool3d(x, [2, 3, 1], 1, 'same'), [1, 4, 4, 3, 2]),
  withGradients((x) => tf.avgPool3d(x, 2, 1, 'same'), [1, 4, 4, 3, 2]),
  withGradients((x) => tf.maxPool(x, 2, 2, 0, 'ceil'), [2, 5, 5, 3]),
  withGradients((x) => tf.avgPool(x, 2, 2, 1, 'floor'), [2, 5, 5, 3]),
  withGradients((x) => tf.image.resizeBilinear(x, [7, 5], false, true), [2, 4, 6, 2]),
  withGradients((x) => tf.image.resizeNearestNeighbor(x, [7, 5]), [2, 4, 6, 2]),
  withGradients(
    (x) =>
      tf.mirrorPad(
        x,
        [
          [1, 2],
          [0, 1],
        ],
        'reflect',
      ),
    [4, 3],
  ),
  withGradients((x) => tf.cumsum(x, -2), [3, 4]),
  withGradients((x) => tf.prod(x, -1), [3, 4]),
  withGradients((x, alpha) => tf.prelu(x, alpha), [3, 4], [3, 1]),
  withGradients((x) => tf.gather(x, tf.tensor2d([[1, 0], [2, 2]], [2, 2], 'int32'), 1, 1), [2, 3, 2]), // prettier-ignore
  withGradients(
    (x, y, mean, scale) => tf.batchNorm(x, mean, y.abs(), mean, scale),
    [2, 3, 4],
    [3, 1],
    [3, 1],
    [3, 1],
  ),
  () => tf.conv2d(random(2, 5, 5, 3), random(1, 1, 3, 2), 2, 'same'),
  () => tf.depthwiseConv2d(random(2, 5, 5, 3), random(1, 1, 3, 2), 2, 'same'),
  () =>
    tf.fused.depthwiseConv2d({
      x: random(2, 5, 5, 3),
      filter: random(1, 1, 3, 2),
      bias: random(1),
      strides: 2,
      pad: 'same',
      activation: 'relu',
    }),
];

const forward = [
  () => tf.fused.matMul({ a: random(5, 7), b: random(7, 9), bias: random(9), activation: 'relu' }),
  () =>
    tf.fused.conv2d({
      x: random(2, 6, 5, 3),
      filter: random(3, 3, 3, 4),
      bias: random(4),
      strides: 1,
      pad: 'same',
      activation: 'relu',
    }),
];

export const programs = [
  ...products,
  ...convolutions,
  ...onBlocks,
  ...optimised,
  ...layers,
  ...repaired,
  ...forward,
];
