/** Batch normalisation as published Keras models have it, without scale or centre. */
import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { repairGradients } from './index.js';

const EPSILON = 1e-3;
const MOMENTUM = 0.9;

/** Three rows of two channels. */
const rows = [
  [1, -2],
  [2, 4],
  [6, 1],
] as const;

const channel = (c: 0 | 1) => rows.map((row) => row[c]);
const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const variance = (values: readonly number[]) => mean(values.map((x) => (x - mean(values)) ** 2));

/** By the definition (Ioffe & Szegedy 2015, Algorithm 1), without γ and β. */
const normalised = (values: readonly number[]) =>
  values.map((x) => (x - mean(values)) / Math.sqrt(variance(values) + EPSILON));

const layerOf = (options: { scale?: boolean; center?: boolean; axis?: number }) =>
  tf.layers.batchNormalization({ epsilon: EPSILON, momentum: MOMENTUM, ...options });

function inTraining(layer: tf.layers.Layer, x: tf.Tensor): tf.Tensor {
  return layer.apply(x, { training: true }) as tf.Tensor;
}

it('tfjs cannot train it', async () => {
  await tf.setBackend('cpu');
  expect(() => inTraining(layerOf({ scale: false }), tf.tensor2d(rows as never))).toThrow(TypeError);
  expect(() => inTraining(layerOf({ center: false }), tf.tensor2d(rows as never))).toThrow(TypeError);
});

describe.each(['cpu', 'wasm'])('repaired, on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
    repairGradients();
  });

  it.each([
    { scale: false, center: false },
    { scale: false, center: true },
    { scale: true, center: false },
  ])('is the definition, with %o', (options) => {
    const layer = layerOf(options);
    const [y, movingMean, movingVariance] = tf.tidy(() => {
      const out = inTraining(layer, tf.tensor2d(rows as never)).dataSync();
      const [...weights] = layer.nonTrainableWeights.map((weight) => [...weight.read().dataSync()]);
      return [[...out], ...weights] as never;
    }) as unknown as [number[], number[], number[]];
    for (const c of [0, 1] as const) {
      normalised(channel(c)).forEach((value, row) => expect(y[2 * row + c]).toBeCloseTo(value, 5));
      // From a mean of 0 and a variance of 1.
      expect(movingMean[c]).toBeCloseTo((1 - MOMENTUM) * mean(channel(c)), 6);
      expect(movingVariance[c]).toBeCloseTo(MOMENTUM + (1 - MOMENTUM) * variance(channel(c)), 6);
    }
    expect(layer.trainableWeights).toHaveLength(Number(options.scale) + Number(options.center));
    layer.dispose();
  });

  it('normalises along the axis that it is told', () => {
    const layer = layerOf({ scale: false, center: false, axis: 1 });
    // Channels first: [1, 2, 3, 1].
    const out = tf.tidy(() => {
      const x = tf.tensor4d([...channel(0), ...channel(1)], [1, 2, 3, 1]);
      return [...inTraining(layer, x).dataSync()] as never;
    }) as unknown as number[];
    [...normalised(channel(0)), ...normalised(channel(1))].forEach((value, i) =>
      expect(out[i]).toBeCloseTo(value, 5),
    );
    layer.dispose();
  });

  it('has the gradients of finite differences', () => {
    const layer = layerOf({ scale: false });
    const x = Float32Array.from(rows.flat());
    const weights = tf.tensor2d([0.3, -0.7, 1.1, 0.2, -0.4, 0.9], [3, 2]);
    const loss = (at: tf.Tensor) => tf.sum(tf.mul(inTraining(layer, at), weights)) as tf.Scalar;
    const gradient = tf.tidy(
      () =>
        [
          ...tf
            .grad(loss)(tf.tensor2d(x, [3, 2]))
            .dataSync(),
        ] as never,
    ) as number[];
    const step = 0.02;
    gradient.forEach((value, i) => {
      const at = (by: number) =>
        tf.tidy(() => {
          const moved = x.slice();
          moved[i]! += by;
          return loss(tf.tensor2d(moved, [3, 2])).dataSync()[0] as never;
        }) as unknown as number;
      expect(value).toBeCloseTo((at(step) - at(-step)) / (2 * step), 3);
    });
    weights.dispose();
    layer.dispose();
  });

  it('normalises by the moving averages once it is trained', () => {
    const layer = layerOf({ scale: false });
    const [trained, predicted] = tf.tidy(() => {
      const x = tf.tensor2d(rows as never);
      inTraining(layer, x).dispose();
      const [movingMean, movingVariance] = layer.nonTrainableWeights.map((weight) => weight.read());
      const expected = tf.div(tf.sub(x, movingMean!), tf.sqrt(tf.add(movingVariance!, EPSILON)));
      return [[...expected.dataSync()], [...(layer.apply(x) as tf.Tensor).dataSync()]] as never;
    }) as unknown as [number[], number[]];
    trained.forEach((value, i) => expect(predicted[i]).toBeCloseTo(value, 5));
    layer.dispose();
  });
});

it('a block of a MobileNet, in Keras’ manner, trains on cpu, and leaves no tensor', async () => {
  await tf.setBackend('cpu');
  repairGradients();
  let seed = 0;
  const initializer = () => tf.initializers.glorotUniform({ seed: ++seed });
  const before = tf.memory().numTensors;
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        filters: 4,
        kernelSize: 3,
        strides: 2,
        padding: 'same',
        useBias: false,
        inputShape: [8, 8, 2],
        kernelInitializer: initializer(),
      }),
      tf.layers.batchNormalization({ scale: false }),
      tf.layers.reLU({ maxValue: 6 }),
      tf.layers.depthwiseConv2d({
        kernelSize: 3,
        padding: 'same',
        useBias: false,
        depthwiseInitializer: initializer(),
      }),
      tf.layers.batchNormalization({ scale: false }),
      tf.layers.reLU({ maxValue: 6 }),
      tf.layers.conv2d({ filters: 6, kernelSize: 1, useBias: false, kernelInitializer: initializer() }),
      tf.layers.batchNormalization({ scale: false, center: false }),
      tf.layers.globalAveragePooling2d({}),
      tf.layers.dense({ units: 2, kernelInitializer: initializer() }),
    ],
  });
  const optimizer = tf.train.sgd(0.1);
  model.compile({ optimizer, loss: 'meanSquaredError' });
  const x = tf.randomUniform([8, 8, 8, 2], -1, 1, 'float32', 1);
  const y = tf.tidy(() => tf.stack([tf.mean(x, [1, 2, 3]), tf.max(x, [1, 2, 3])], 1));
  const first = (await model.trainOnBatch(x, y)) as number;
  const within = tf.memory().numTensors;
  let last = first;
  for (let step = 0; step < 30; step++) last = (await model.trainOnBatch(x, y)) as number;
  expect(last).toBeLessThan(first / 4);
  expect(tf.memory().numTensors).toBe(within);
  tf.dispose([x, y]);
  optimizer.dispose();
  model.dispose();
  expect(tf.memory().numTensors - before).toBeLessThanOrEqual(1);
});
