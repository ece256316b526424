/** The layers of tfjs in training: gradients by their weights, and by what they are given, against differences. */
import { startBackend } from '@espalier/backend';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { byDifferences } from './known.js';
import { Random, seedOf } from './random.js';
import { differing } from './sweep.js';
import { distinct } from './swept-op.js';

const { layers } = tf;
type Layer = tf.layers.Layer;

/** Shapes of one example, and the layer; two shapes for two inputs. */
const table: Readonly<Record<string, readonly [readonly number[][], () => Layer]>> = {
  dense: [[[3]], () => layers.dense({ units: 2, activation: 'tanh' })],
  'dense on sequences': [[[2, 3]], () => layers.dense({ units: 2 })],
  conv1d: [[[5, 2]], () => layers.conv1d({ filters: 2, kernelSize: 2, padding: 'same' })],
  conv2d: [[[5, 4, 2]], () => layers.conv2d({ filters: 2, kernelSize: 3, strides: 2, padding: 'same' })],
  'conv2d, 1 × 1 with strides': [
    [[5, 4, 2]],
    () => layers.conv2d({ filters: 2, kernelSize: 1, strides: 2, padding: 'same' }),
  ],
  conv3d: [[[3, 4, 3, 1]], () => layers.conv3d({ filters: 2, kernelSize: 2, strides: 2, padding: 'same' })],
  conv2dTranspose: [
    [[3, 2, 2]],
    () => layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: 'same' }),
  ],
  conv3dTranspose: [
    [[2, 2, 2, 1]],
    () => layers.conv3dTranspose({ filters: 2, kernelSize: 2, strides: 2, padding: 'valid' }),
  ],
  depthwiseConv2d: [[[4, 4, 2]], () => layers.depthwiseConv2d({ kernelSize: 3, padding: 'same' })],
  separableConv2d: [[[4, 4, 2]], () => layers.separableConv2d({ filters: 2, kernelSize: 2 })],
  averagePooling1d: [[[5, 2]], () => layers.averagePooling1d({ poolSize: 2, padding: 'same' })],
  averagePooling2d: [
    [[5, 4, 2]],
    () => layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
  ],
  averagePooling3d: [
    [[3, 4, 3, 1]],
    () => layers.averagePooling3d({ poolSize: [2, 3, 2], strides: [1, 2, 1], padding: 'same' }),
  ],
  maxPooling1d: [[[5, 2]], () => layers.maxPooling1d({ poolSize: 2, padding: 'same' })],
  maxPooling2d: [[[5, 4, 2]], () => layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' })],
  maxPooling3d: [
    [[3, 4, 3, 1]],
    () => layers.maxPooling3d({ poolSize: [2, 3, 2], strides: [1, 2, 1], padding: 'same' }),
  ],
  globalAveragePooling2d: [[[3, 4, 2]], () => layers.globalAveragePooling2d({})],
  globalMaxPooling2d: [[[3, 4, 2]], () => layers.globalMaxPooling2d({})],
  globalMaxPooling1d: [[[4, 2]], () => layers.globalMaxPooling1d({})],
  batchNormalization: [[[3]], () => layers.batchNormalization({})],
  'batchNormalization without scale': [[[3, 2, 2]], () => layers.batchNormalization({ scale: false })],
  'batchNormalization without centre': [[[3, 2, 2]], () => layers.batchNormalization({ center: false })],
  'batchNormalization along axis 1': [
    [[3, 2, 2]],
    () => layers.batchNormalization({ scale: false, center: false, axis: 1 }),
  ],
  layerNormalization: [[[2, 3]], () => layers.layerNormalization({})],
  upSampling2d: [[[2, 3, 2]], () => layers.upSampling2d({ size: [2, 3] })],
  'upSampling2d, bilinear': [
    [[2, 3, 2]],
    () => layers.upSampling2d({ size: [2, 3], interpolation: 'bilinear' }),
  ],
  zeroPadding2d: [
    [[2, 3, 2]],
    () =>
      layers.zeroPadding2d({
        padding: [
          [1, 0],
          [2, 1],
        ],
      }),
  ],
  cropping2D: [
    [[4, 5, 2]],
    () =>
      layers.cropping2D({
        cropping: [
          [1, 1],
          [2, 1],
        ],
      }),
  ],
  prelu: [[[2, 3, 2]], () => layers.prelu({ alphaInitializer: 'randomNormal' })],
  'prelu with shared axes': [
    [[2, 3, 2]],
    () => layers.prelu({ alphaInitializer: 'randomNormal', sharedAxes: [1, 3] }),
  ],
  elu: [[[5]], () => layers.elu()],
  leakyReLU: [[[5]], () => layers.leakyReLU({})],
  'softmax, an activation': [[[2, 3]], () => layers.activation({ activation: 'softmax' })],
  reLU: [[[5]], () => layers.reLU({ maxValue: 0.5 })],
  simpleRNN: [[[3, 2]], () => layers.simpleRNN({ units: 2 })],
  'simpleRNN over one step': [[[1, 2]], () => layers.simpleRNN({ units: 2 })],
  gru: [[[3, 2]], () => layers.gru({ units: 2, returnSequences: true })],
  lstm: [[[3, 2]], () => layers.lstm({ units: 2 })],
  convLstm2d: [
    [[2, 3, 3, 1]],
    () => layers.convLstm2d({ filters: 1, kernelSize: 2, padding: 'same' }) as unknown as Layer,
  ],
  bidirectional: [
    [[2, 2]],
    () => layers.bidirectional({ layer: layers.gru({ units: 2 }) as never, mergeMode: 'concat' }),
  ],
  timeDistributed: [[[2, 3]], () => layers.timeDistributed({ layer: layers.dense({ units: 2 }) })],
  permute: [[[2, 3]], () => layers.permute({ dims: [2, 1] })],
  repeatVector: [[[3]], () => layers.repeatVector({ n: 2 })],
  add: [[[3], [3]], () => layers.add()],
  multiply: [[[3], [3]], () => layers.multiply()],
  average: [[[3], [3]], () => layers.average()],
  maximum: [[[3], [3]], () => layers.maximum()],
  minimum: [[[3], [3]], () => layers.minimum()],
  concatenate: [
    [
      [2, 3],
      [2, 1],
    ],
    () => layers.concatenate({ axis: -1 }),
  ],
  dot: [
    [
      [2, 3],
      [4, 3],
    ],
    () => layers.dot({ axes: 2 }),
  ],
};

const BATCH = 2;

function variable(random: Random, shape: readonly number[]): tf.Variable {
  const { values } = distinct(random, shape);
  return tf.tidy(() => tf.variable(tf.tensor([...values], [...shape])));
}

describe.each(['cpu', 'wasm'] as const)('in training on %s, gradients are right', (backend) => {
  beforeAll(async () => {
    await startBackend(backend);
  });

  it.each(Object.entries(table))('of %s', async (name, [shapes, make]) => {
    const random = new Random(seedOf(name));
    const before = tf.memory().numTensors;
    const layer = make();
    const inputs = shapes.map((shape) => variable(random, [BATCH, ...shape]));
    const outputOf = () =>
      layer.apply(inputs.length === 1 ? inputs[0]! : inputs, { training: true }) as tf.Tensor;
    const shape = tf.tidy(() => outputOf().shape as never) as number[];
    const weights = variable(random, shape);
    const own = layer.trainableWeights.map((weight) => weight.read() as tf.Variable);
    for (const weight of own) {
      const { values } = distinct(random, weight.shape);
      tf.tidy(() => weight.assign(tf.tensor([...values], weight.shape)));
    }
    const variables = [...inputs, ...own];
    const loss = () => tf.sum(tf.mul(outputOf(), weights)) as tf.Scalar;
    const { value, grads } = tf.variableGrads(loss, variables);
    for (const at of variables) {
      const values = [...(await at.data())];
      const moved = async (to: readonly number[]) => {
        tf.tidy(() => at.assign(tf.tensor([...to], at.shape)));
        const scalar = tf.tidy(loss);
        const [sum] = await scalar.data();
        scalar.dispose();
        return sum!;
      };
      const known = await byDifferences(moved, values, true);
      await moved(values);
      expect(
        differing(`the gradient by ${at.name}`, [...(await grads[at.name]!.data())], known, 3e-3),
      ).toBeNull();
    }
    tf.dispose([value, ...Object.values(grads), ...inputs, weights]);
    layer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
