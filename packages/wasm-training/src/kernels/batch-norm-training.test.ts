import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

import '../index.js';
import {
  expectClose,
  expectGradients,
  expectSameAsCpu,
  randomTensor,
  randomValues,
} from '../test-support.js';
import { movedAverages, normaliseInTraining } from './batch-norm-training.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const EPSILON = 1e-3;

describe('batch normalisation in training', () => {
  const channels = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(16, 21));
  const rows = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(64, 65, 127, 131, 200));

  it('is what the definition comes to in double precision, and so are its gradients', () => {
    fc.assert(
      fc.property(rows, channels, fc.constantFrom(0, 3), fc.integer(), (n, c, centre, s) => {
        const x = Float32Array.from(randomValues(n * c, s), (value) => value + centre);
        const [dy, scale, offset, dMean, dVariance] = [n * c, c, c, c, c].map((size, i) =>
          randomValues(size, s + 1 + i),
        ) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
        const expected = inDoubles(x, dy, scale, offset, dMean, dVariance);
        const actual = tf.tidy(() => {
          const inputs = [tf.tensor(x, [n, c]), tf.tensor1d(scale), tf.tensor1d(offset)] as const;
          const results = normaliseInTraining(...inputs, EPSILON);
          const weights = [tf.tensor(dy, [n, c]), tf.tensor1d(dMean), tf.tensor1d(dVariance)];
          const weighted = (...args: tf.Tensor[]) => {
            const outputs = normaliseInTraining(...(args as [tf.Tensor, tf.Tensor, tf.Tensor]), EPSILON);
            return tf.addN(outputs.map((output, i) => tf.sum(tf.mul(output, weights[i]!))));
          };
          return [...results, ...tf.grads(weighted)([...inputs])].map((tensor) => tensor.dataSync());
        });
        actual.forEach((values, i) => expectClose(values, expected[i]!, 1e-4));
      }),
      { numRuns: 150 },
    );
  });

  it('has a variance to six digits where the mean is a thousand times as large', () => {
    const x = Float32Array.from(randomValues(50_000, 1), (value) => 1000 + value);
    const exact = momentsOf(Float64Array.from(x));
    const [, mean, variance] = tf.tidy(() =>
      normaliseInTraining(tf.tensor(x, [50_000, 1]), tf.ones([1]), tf.zeros([1]), EPSILON).map((tensor) =>
        Number(tensor.dataSync()[0]),
      ),
    ) as never as [number, number, number];
    expect(Math.abs(mean / exact.mean - 1)).toBeLessThan(1e-7);
    expect(Math.abs(variance / exact.variance - 1)).toBeLessThan(1e-6);
  });

  it('of nothing has statistics of 0', () => {
    const results = tf.tidy(
      () =>
        normaliseInTraining(tf.zeros([0, 4]), tf.ones([4]), tf.zeros([4]), EPSILON).map((tensor) => [
          ...tensor.dataSync(),
        ]) as never,
    );
    expect(results).toEqual([[], [0, 0, 0, 0], [0, 0, 0, 0]]);
  });

  it('has the gradients of finite differences', () => {
    const inputs = [randomTensor([3, 2, 2, 5], 1), randomTensor([5], 2), randomTensor([5], 3)];
    const weight = randomTensor([3, 2, 2, 5], 4);
    expectGradients((x, scale, offset) => {
      const [y, mean, variance] = normaliseInTraining(x!, scale!, offset!, EPSILON);
      const statistics = tf.add(tf.sum(tf.square(mean)), tf.sum(variance));
      return tf.add(tf.sum(tf.mul(tf.square(y), weight)), statistics) as tf.Scalar;
    }, inputs);
    tf.dispose([inputs, weight]);
  });

  it('has the gradients of gradients that the cpu backend composes', async () => {
    await expectSameAsCpu(() => {
      const layer = builtLayer({}, 3);
      const weight = randomTensor([6, 3], 4);
      const loss = (x: tf.Tensor) => tf.sum(tf.mul(tf.square(inTraining(layer, x)), weight));
      const slope = tf.grad((x) => tf.sum(tf.square(tf.grad(loss)(x))));
      return slope(randomTensor([6, 3], 1));
    });
  });

  it('refuses inputs that do not fit', () => {
    expect(() => normaliseInTraining(tf.ones([4, 3]), tf.ones([2]), tf.ones([3]), EPSILON)).toThrow(
      "BatchNormTraining: the input 'scale' must have the shape [3], got [2]",
    );
  });

  it('moves averages as the layer of tfjs does', () => {
    const [mean, variance] = tf.tidy(
      () =>
        movedAverages(
          [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])],
          [tf.tensor1d([2, 2]), tf.tensor1d([5, 0])],
          0.75,
        ).map((tensor) => [...tensor.dataSync()]) as never,
    ) as never as [number[], number[]];
    expect([mean, variance]).toEqual([
      [1.25, 2],
      [3.5, 3],
    ]);
  });
});

describe('tf.layers.batchNormalization', () => {
  const statistics = (layer: tf.layers.Layer) => layer.getWeights();

  it.each([
    ['over the last axis', {}, true],
    ['over the last axis by its number', { axis: 3 }, true],
    ['over another axis', { axis: 1 }, false],
    ['without a scale', { scale: false }, false],
    ['without an offset', { center: false }, false],
  ])('%s trains as on the cpu backend', async (_, settings, fused) => {
    await expectSameAsCpu(() => {
      const layer = builtLayer({ momentum: 0.8, ...settings }, 4, [2, 4, 3, 4]);
      const outputs = [1, 2, 3].map((s) => inTraining(layer, tf.add(randomTensor([2, 4, 3, 4], s), s)));
      return [...outputs, ...statistics(layer), layer.apply(outputs[0]!) as tf.Tensor];
    });
    const layer = builtLayer(settings, 4, [2, 4, 3, 4]);
    const x = randomTensor([2, 4, 3, 4], 1);
    const { kernelNames } = await tf.profile(() => inTraining(layer, x));
    expect(kernelNames.includes('BatchNormTraining')).toBe(fused);
    expect(kernelNames.includes('SquaredDifference') || kernelNames.includes('Square')).toBe(!fused);
  });

  it('is left alone in inference', async () => {
    const layer = builtLayer({}, 3);
    const { kernelNames } = await tf.profile(() => layer.apply(randomTensor([6, 3], 1)) as tf.Tensor);
    expect(kernelNames).not.toContain('BatchNormTraining');
  });

  it('refuses what it does not take as before', () => {
    const layer = builtLayer({}, 3);
    expect(() => inTraining(layer, randomTensor([6, 2], 1))).toThrow('expected axis');
  });
});

function builtLayer(settings: object, channels: number, shape: number[] = [6, channels]): tf.layers.Layer {
  const layer = tf.layers.batchNormalization({
    epsilon: EPSILON,
    betaInitializer: tf.initializers.randomNormal({ seed: 2 }),
    gammaInitializer: tf.initializers.randomNormal({ seed: 3, mean: 1 }),
    ...settings,
  });
  layer.build(shape);
  return layer;
}

function inTraining(layer: tf.layers.Layer, x: tf.Tensor): tf.Tensor {
  return layer.apply(x, { training: true }) as tf.Tensor;
}

function momentsOf(values: Float64Array): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance };
}

/** y, mean, variance; dx, dScale, dOffset: by the chain rule through x̂ = (x - mean) / sqrt(variance + ε), one channel at a time. */
function inDoubles(
  x: Float32Array,
  dy: Float32Array,
  scale: Float32Array,
  offset: Float32Array,
  dMean: Float32Array,
  dVariance: Float32Array,
): Float64Array[] {
  const [size, channels] = [x.length, scale.length];
  const n = size / channels;
  const [y, mean, variance, dx, dScale, dOffset] = [size, channels, channels, size, channels, channels].map(
    (length) => new Float64Array(length),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  for (let c = 0; c < channels; c++) {
    const of = (values: Float32Array) =>
      Float64Array.from({ length: n }, (_, r) => values[r * channels + c]!);
    const [column, gradient] = [of(x), of(dy)];
    const moments = momentsOf(column);
    mean[c] = moments.mean;
    variance[c] = moments.variance;
    const deviation = Math.sqrt(moments.variance + EPSILON);
    const normalised = column.map((value) => (value - moments.mean) / deviation);
    const byNormalised = gradient.map((value) => value * scale[c]!);
    // The variance is reached through x̂ and as a result; the mean too, but by the variance it is 0 in sum.
    const byVariance =
      dVariance[c]! - sum(byNormalised.map((value, r) => value * normalised[r]!)) / (2 * deviation ** 2);
    const byMean = dMean[c]! - sum(byNormalised) / deviation;
    for (let r = 0; r < n; r++) {
      const at = r * channels + c;
      y[at] = normalised[r]! * scale[c]! + offset[c]!;
      const throughVariance = (byVariance * 2 * (column[r]! - moments.mean)) / n;
      dx[at] = byNormalised[r]! / deviation + throughVariance + byMean / n;
    }
    dScale[c] = sum(gradient.map((value, r) => value * normalised[r]!));
    dOffset[c] = sum(gradient);
  }
  return [y, mean, variance, dx, dScale, dOffset];
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
