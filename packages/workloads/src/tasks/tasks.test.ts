import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { atScale, scaleNames, workloads } from '../index.js';
import { classification } from './classification.js';
import { smoothedClassification } from './label-smoothing.js';
import { regression } from './regression.js';
import type { Examined } from './task.js';

const labels = (...targets: number[]) =>
  ({
    ...{ inputShape: [4], outputShape: [3], outputActivation: 'linear', targetShape: [] },
    ...{ targets: Int32Array.from(targets), examples: [10, 11, 12] },
  }) as unknown as Examined;

describe('classification', () => {
  it('has the cross-entropy of the softmax as its loss', () => {
    // −ln(1/3) where all logits are equal; −ln(1/2) where one is out of the question.
    const outputs = tf.tensor2d([
      [1, 1, 1],
      [0, 0, -1000],
    ]);
    const loss = classification.loss(outputs, tf.tensor1d([2, 0], 'int32')) as tf.Tensor;
    expect(loss.mean().dataSync()[0]).toBeCloseTo((Math.log(3) + Math.log(2)) / 2, 5);
  });

  it('weighs each example by its weight, in the loss and in its gradient', () => {
    const outputs = tf.tensor2d([
      [1, 1, 1],
      [0, 1, 2],
    ]);
    const targets = tf.tensor1d([2, 0], 'int32');
    const weights = tf.tensor1d([2, 0.5]);
    const powers = [1, Math.E, Math.E ** 2];
    const total = powers[0]! + powers[1]! + powers[2]!;
    const gradient = tf.grad((x) => classification.weightedLoss!(x as tf.Tensor2D, targets, weights));
    const loss = classification.weightedLoss!(outputs, targets, weights);
    expect(loss.dataSync()[0]).toBeCloseTo((2 * Math.log(3) + 0.5 * Math.log(total)) / 2, 5);
    // w (softmax − one-hot) / batch.
    const expected = [
      ...[1 / 3, 1 / 3, 1 / 3 - 1].map((part) => (2 * part) / 2),
      ...powers.map((power, j) => (0.5 * (power / total - Number(j === 0))) / 2),
    ];
    gradient(outputs)
      .dataSync()
      .forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));
  });

  it('takes labels of the classes that there are, and names the example that has another', () => {
    expect(classification.check?.(labels(0, 1, 2))).toBeNull();
    expect(classification.check?.(labels(0, 3))).toMatch(/label of example 11 is 3/);
    expect(classification.check?.(labels(-1))).toMatch(/label of example 10 is -1/);
    expect(classification.check?.({ ...labels(0), outputActivation: 'softmax' })).toMatch(/ends in softmax/);
  });
});

describe('smoothed classification', () => {
  const outputs = tf.tensor2d([
    [0, Math.log(2), Math.log(5)],
    [0, 0, 0],
  ]);
  const targets = tf.tensor1d([2, 0], 'int32');

  it('is trained on smoothed labels, and measured by the plain ones', () => {
    const { name, loss, trainingLoss } = smoothedClassification(0.3);
    // Probabilities 1/8, 2/8, 5/8; labels 0.1, 0.1, 0.8. Where all are alike, ln 3 whatever the labels.
    const first = 0.1 * Math.log(8) + 0.1 * Math.log(4) + 0.8 * Math.log(8 / 5);
    expect(trainingLoss!(outputs, targets).dataSync()[0]).toBeCloseTo((first + Math.log(3)) / 2, 5);
    expect(loss(outputs, targets).dataSync()[0]).toBeCloseTo((Math.log(8 / 5) + Math.log(3)) / 2, 5);
    // Measures of classification are for it, too.
    expect(name).toBe('classification');
    const weighted = smoothedClassification(0.3).weightedLoss!(outputs, targets, tf.tensor1d([3, 0]));
    expect(weighted.dataSync()[0]).toBeCloseTo((3 * first) / 2, 5);
  });

  it('takes a share for its smoothing', () => {
    expect(() => smoothedClassification(1)).toThrow('smoothedClassification(): smoothing = 1, and is to be');
    expect(() => smoothedClassification(NaN)).toThrow('smoothing = NaN');
  });
});

describe('regression', () => {
  it('weighs each example by its weight', () => {
    // Errors 2² and 0² of one number each: (3 · 4 + 0.5 · 0) / 2.
    const weights = tf.tensor1d([3, 0.5]);
    const loss = regression.weightedLoss!(tf.tensor2d([[1], [2]]), tf.tensor2d([[3], [2]]), weights);
    expect(loss.dataSync()[0]).toBeCloseTo(6, 6);
  });

  it('has the mean squared error as its loss', () => {
    const loss = regression.loss(tf.tensor2d([[1, 2]]), tf.tensor2d([[3, 2]])) as tf.Tensor;
    expect(loss.dataSync()[0]).toBeCloseTo(2, 6);
  });
});

describe('the built-in workloads', () => {
  it.each(Object.entries(workloads))(
    '%s is called as it is listed, at each of its scales',
    async (name, load) => {
      const workload = await load();
      expect(workload.name).toBe(name);
      for (const scale of scaleNames.filter((scale) => scale === 'small' || workload.scales?.[scale])) {
        const { defaults, scale: own } = atScale(workload, scale);
        expect(own).toBe(scale);
        expect(defaults.epochs).toBeGreaterThan(0);
        expect(
          defaults.sparsities.length * defaults.blockShapes.length * defaults.seeds.length,
        ).toBeGreaterThan(0);
      }
    },
  );

  it('a scale that a workload has not is refused by those that it has', async () => {
    const workload = await workloads['planted-blocks']!();
    expect(() => atScale({ ...workload, scales: { smoke: {} } }, 'paper')).toThrow(
      "The workload 'planted-blocks' has no scale 'paper': choose smoke or small",
    );
    expect(() => atScale(workload, 'tiny' as 'small')).toThrow("scale = 'tiny'");
  });
});
