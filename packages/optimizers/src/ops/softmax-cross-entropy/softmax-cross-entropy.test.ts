import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

import { startTensorflow } from '../../../../blocks/src/test-tensorflow.js';
import '../../backends/tensorflow.js';
import '../../backends/wasm.js';
import { softmaxCrossEntropy } from '../../index.js';
import { expectClose, randomValues } from '../../test-support.js';

const tensorflow = await startTensorflow();

const batches = fc.integer({ min: 1, max: 20 });
const classes = fc.integer({ min: 1, max: 21 });
const seeds = fc.integer({ min: 0, max: 1e6 });

/** The definition, in double precision. */
function naive(labels: ArrayLike<number>, logits: ArrayLike<number>, batch: number, width: number): number {
  let loss = 0;
  for (let i = 0; i < batch; i++) {
    const row = Array.from({ length: width }, (_, j) => logits[i * width + j]!);
    const largest = Math.max(...row);
    const logTotal = largest + Math.log(row.reduce((sum, l) => sum + Math.exp(l - largest), 0));
    row.forEach((l, j) => (loss += labels[i * width + j]! * (logTotal - l)));
  }
  return loss / batch;
}

const scaled = (size: number, seed: number, by: number) => randomValues(size, seed).map((v) => by * v);

const itIsTheLoss = (backend: string): void => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('is the mean of the definition, for labels that need not sum to one', () => {
    fc.assert(
      fc.property(batches, classes, seeds, (batch, width, seed) => {
        const labels = randomValues(batch * width, seed).map(Math.abs);
        const logits = scaled(batch * width, seed + 1, 10);
        const shape: [number, number] = [batch, width];
        const actual = tf.tidy(
          () => softmaxCrossEntropy(tf.tensor2d(labels, shape), tf.tensor2d(logits, shape)).dataSync()[0]!,
        );
        const expected = naive(labels, logits, batch, width);
        expect(Math.abs(actual - expected)).toBeLessThan(1e-5 * (1 + 20 * width));
      }),
      { numRuns: 100 },
    );
  });

  it('is that of tf.losses for one-hot labels of integers, gradient included', () => {
    tf.tidy(() => {
      const logits = tf.tensor2d(scaled(70, 3, 4), [7, 10]);
      const labels = tf.oneHot(tf.tensor1d([0, 9, 4, 4, 1, 2, 7], 'int32'), 10);
      const ours = tf.valueAndGrad((x) => softmaxCrossEntropy(labels, x))(logits);
      const theirs = tf.valueAndGrad((x) => tf.losses.softmaxCrossEntropy(labels, x))(logits);
      expectClose(ours.value.dataSync(), theirs.value.dataSync(), 1e-5);
      expectClose(ours.grad.dataSync(), theirs.grad.dataSync(), 1e-5);
    });
  });

  it('takes logits of whole numbers', () => {
    const logits = [3, 1, 2, 0, 5, -1];
    const labels = [1, 0, 0, 0, 0, 1];
    const loss = tf.tidy(() =>
      softmaxCrossEntropy(tf.tensor2d(labels, [2, 3]), tf.tensor2d(logits, [2, 3], 'int32')).dataSync(),
    );
    expectClose(loss, [naive(labels, logits, 2, 3)], 1e-5);
  });

  it('has the gradients of finite differences by logits and labels', () => {
    fc.assert(
      fc.property(batches, classes, seeds, (batch, width, seed) => {
        const labels = randomValues(batch * width, seed).map(Math.abs);
        const logits = scaled(batch * width, seed + 1, 3);
        const shape: [number, number] = [batch, width];
        const [byLabels, byLogits] = tf.tidy(() => {
          const loss = (l: tf.Tensor, x: tf.Tensor) => softmaxCrossEntropy(l, x).mul(2) as tf.Scalar;
          const gradients = tf.grads(loss)([tf.tensor2d(labels, shape), tf.tensor2d(logits, shape)]);
          return gradients.map((g) => g.dataSync());
        });
        const step = 1e-5;
        const difference = (of: Float32Array, loss: (moved: Float64Array) => number, i: number) => {
          const moved = (by: number) => Float64Array.from(of, (v, j) => (i === j ? v + by : v));
          return (loss(moved(step)) - loss(moved(-step))) / (2 * step);
        };
        for (let i = 0; i < labels.length; i += 1 + Math.floor(labels.length / 8)) {
          const expectedLabel = difference(labels, (l) => 2 * naive(l, logits, batch, width), i);
          const expectedLogit = difference(logits, (x) => 2 * naive(labels, x, batch, width), i);
          expect(Math.abs(byLabels![i]! - expectedLabel)).toBeLessThan(1e-4);
          expect(Math.abs(byLogits![i]! - expectedLogit)).toBeLessThan(1e-4 * (1 + width));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('stays finite for logits far apart, is NaN where one is, and 0 for an empty batch', () => {
    const loss = (labels: number[][], logits: number[][]) =>
      tf.tidy(() => softmaxCrossEntropy(tf.tensor2d(labels), tf.tensor2d(logits)).dataSync()[0]);
    expect(loss([[0, 1]], [[1000, -1000]])).toBeCloseTo(2000, 3);
    expect(loss([[0, 1]], [[0, Number.NaN]])).toBeNaN();
    const empty = tf.tidy(() => softmaxCrossEntropy(tf.zeros([0, 3]), tf.zeros([0, 3])).dataSync()[0]! + 0);
    expect(empty).toBe(0);
  });

  it('trains a compiled model as its loss, and leaves no tensor behind', async () => {
    const layer = tf.layers.dense({ units: 3, inputShape: [4], kernelInitializer: 'zeros' });
    const model = tf.sequential({ layers: [layer] });
    model.compile({ optimizer: tf.train.sgd(0.5), loss: softmaxCrossEntropy });
    const x = tf.tensor2d(randomValues(24, 1), [6, 4]);
    const y = tf.tidy(() => tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2], 'int32'), 3).toFloat());
    const before = tf.memory().numTensors;
    const first = (await model.trainOnBatch(x, y)) as number;
    const second = (await model.trainOnBatch(x, y)) as number;
    expect(first).toBeCloseTo(Math.log(3), 5);
    expect(second).toBeLessThan(first);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([x, y]);
    model.dispose();
  });

  it('refuses class indices, and says what to do', () => {
    const run = () => tf.tidy(() => softmaxCrossEntropy(tf.zeros([5]), tf.zeros([5, 3])));
    expect(run).toThrow(
      'must both be tensors of shape [batch, classes], got a float32 tensor of shape [5] and a float32 tensor of shape [5, 3]. Class indices become labels by tf.oneHot.',
    );
  });
};

describe.each(['cpu', 'wasm'])('softmaxCrossEntropy on the %s backend', itIsTheLoss);

describe.skipIf(tensorflow.absent)(`softmaxCrossEntropy on tensorflow (${tensorflow.where})`, () =>
  itIsTheLoss('tensorflow'),
);

describe('its kernel', () => {
  beforeAll(async () => {
    await tf.setBackend('wasm');
  });

  it('is the only one for floats, and so is that of the gradient', async () => {
    const labels = tf.tensor2d([[1, 0]]);
    const logits = tf.tensor2d([[2, 3]]);
    const kernels = async (compute: () => tf.Tensor) => {
      const { kernelNames, result } = await tf.profile(compute);
      tf.dispose(result);
      return kernelNames;
    };
    expect(await kernels(() => softmaxCrossEntropy(labels, logits))).toEqual(['SoftmaxCrossEntropy']);
    const gradient = tf.grad((x) => softmaxCrossEntropy(labels, x));
    // Identity shares what the tape saves; it copies nothing.
    expect((await kernels(() => gradient(logits))).sort()).toEqual([
      'Identity',
      'SoftmaxCrossEntropy',
      'SoftmaxCrossEntropyGrad',
    ]);
    tf.dispose([labels, logits]);
  });

  it('has second derivatives, which tf.logSoftmax has not', () => {
    // For two classes and label 0 the gradient by logit 0 is p - 1, and its own gradient p (1 - p); p = 1/2 here.
    const second = tf.tidy(() => {
      const labels = tf.tensor2d([[1, 0]]);
      const first = tf.grad((x) => softmaxCrossEntropy(labels, x));
      return tf
        .grad((x) => first(x).slice([0, 0], [1, 1]).sum())(tf.zeros([1, 2]))
        .dataSync();
    });
    expectClose(second, [0.25, -0.25], 1e-5);
  });
});
