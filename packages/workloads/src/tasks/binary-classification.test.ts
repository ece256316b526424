import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { binaryClassification } from './binary-classification.js';
import type { Examined } from './task.js';

beforeAll(() => tf.setBackend('cpu'));

const { loss, weightedLoss, check } = binaryClassification;
const logits = (...values: number[]) => tf.tensor2d(values, [values.length, 1]);
const labels = (...values: number[]) => tf.tensor1d(values, 'int32');
const valueOf = (scalar: tf.Scalar) => scalar.dataSync()[0];

describe('the loss of binary classification', () => {
  it('is the cross-entropy of the sigmoid', () => {
    // σ(0) = 1/2, σ(ln 3) = 3/4: −ln of what each label has.
    expect(valueOf(loss(logits(0), labels(1)))).toBeCloseTo(Math.LN2, 6);
    const both = loss(logits(Math.log(3), Math.log(3)), labels(1, 0));
    expect(valueOf(both)).toBeCloseTo((Math.log(4 / 3) + Math.log(4)) / 2, 6);
  });

  it('is finite far out', () => {
    expect(valueOf(loss(logits(1e4), labels(1)))).toBeCloseTo(0, 12);
    expect(valueOf(loss(logits(1e4), labels(0)))).toBe(1e4);
    expect(valueOf(loss(logits(-1e4), labels(1)))).toBe(1e4);
  });

  it('has the gradient σ(x) − y over the batch, at 0 and far out too', () => {
    const x = logits(0, 0, Math.log(3), 1e4, -1e4);
    const y = labels(0, 1, 0, 0, 0);
    const gradient = tf
      .grad((outputs) => loss(outputs, y))(x)
      .dataSync();
    [0.5, -0.5, 0.75, 1, 0].forEach((each, i) => expect(gradient[i]).toBeCloseTo(each / 5, 6));
  });

  it('weighs each example by its weight, in its gradient too', () => {
    const [x, y, weights] = [logits(0, Math.log(3)), labels(1, 0), tf.tensor1d([4, 0.5])];
    expect(valueOf(weightedLoss!(x, y, weights))).toBeCloseTo((4 * Math.LN2 + 0.5 * Math.log(4)) / 2, 6);
    const gradient = tf
      .grad((outputs) => weightedLoss!(outputs, y, weights))(x)
      .dataSync();
    [4 * -0.5, 0.5 * 0.75].forEach((each, i) => expect(gradient[i]).toBeCloseTo(each / 2, 6));
  });
});

describe('what binary classification takes', () => {
  const examined = (targets: Int32Array | Float32Array, changes: Partial<Examined> = {}): Examined => ({
    ...{ outputShape: [1], outputActivation: 'linear', targetShape: [], targets, examples: [7, 8, 9] },
    ...changes,
  });
  const yesNo = Int32Array.of(0, 1);

  it('is one logit, and labels of 0 and 1', () => {
    expect(check!(examined(yesNo))).toBeNull();
  });

  it.each<[Examined, RegExp]>([
    [examined(yesNo, { outputShape: [2] }), /outputs are \[batch, 2\].*one unit, or take classification$/],
    [examined(yesNo, { outputShape: [] }), /takes one logit each/],
    [
      examined(yesNo, { outputActivation: 'sigmoid' }),
      /ends in sigmoid.*leave the last layer's activation out$/,
    ],
    [examined(yesNo, { targetShape: [1] }), /of shape \[1\].*make their shape \[\]$/],
    [examined(Int32Array.of(1, -1)), /the label of example 8 is -1, and is to be 0 or 1/],
    [examined(Float32Array.of(1, 0.5)), /the label of example 8 is 0.5/],
    [examined(Float32Array.of(1, NaN)), /the label of example 8 is NaN/],
    [examined(Float32Array.of(1, 0)), /give them as Int32Array.from\(labels\)$/],
  ])('refuses what is none, %#', (wrong, why) => {
    expect(check!(wrong)).toMatch(why);
  });
});
