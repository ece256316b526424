import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { workloads } from '../index.js';
import { classification } from './classification.js';
import { regression } from './regression.js';
import type { Examined } from './task.js';

const labels = (...targets: number[]) =>
  ({
    ...{ inputShape: [4], outputShape: [3], outputActivation: 'linear', targetShape: [] },
    ...{ targets: Int32Array.from(targets), first: 10 },
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

  it('takes labels of the classes that there are, and names the example that has another', () => {
    expect(classification.check?.(labels(0, 1, 2))).toBeNull();
    expect(classification.check?.(labels(0, 3))).toMatch(/label of example 11 is 3/);
    expect(classification.check?.(labels(-1))).toMatch(/label of example 10 is -1/);
    expect(classification.check?.({ ...labels(0), outputActivation: 'softmax' })).toMatch(/ends in softmax/);
  });
});

describe('regression', () => {
  it('has the mean squared error as its loss', () => {
    const loss = regression.loss(tf.tensor2d([[1, 2]]), tf.tensor2d([[3, 2]])) as tf.Tensor;
    expect(loss.dataSync()[0]).toBeCloseTo(2, 6);
  });
});

describe('the built-in workloads', () => {
  it.each(Object.entries(workloads))(
    '%s is called as it is listed, and its model takes a batch',
    async (name, load) => {
      const workload = await load();
      expect(workload.name).toBe(name);
      const model = workload.model(0);
      const [, ...shape] = model.inputs[0]!.shape as number[];
      const outputs = model.predict(tf.zeros([2, ...shape])) as tf.Tensor;
      expect(outputs.shape[0]).toBe(2);
      model.dispose();
    },
  );
});
