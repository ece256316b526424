import { adam, sgd } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';

import mnist from './workloads/mnist-mlp.js';
import { cosineDecay, type TunableOptimizer, type Workload } from './workload.js';
import { ownTraining, trainingSpace, withTraining } from './training.js';

const workload = (optimizer: () => TunableOptimizer): Workload => ({
  ...mnist,
  optimizer,
  learningRate: cosineDecay(0.2),
});

test('the learning rate is multiplied in every step, that of the first one within the optimiser', () => {
  const half = withTraining(
    workload(() => sgd({ learningRate: 0.2, momentum: 0.9, weightDecay: 1e-3 })),
    { learningRateFactor: 0.5 },
  );
  expect(half.learningRate(0)).toBeCloseTo(0.1, 12);
  expect(half.learningRate(0.5)).toBeCloseTo(0.05, 12);
  const optimizer = half.optimizer();
  expect(optimizer.learningRate).toBeCloseTo(0.1, 12);
  expect(optimizer.getConfig()).toMatchObject({ momentum: 0.9, weightDecay: 1e-3 });
});

test('another weight decay makes another optimiser, alike in all else', () => {
  const decayed = withTraining(
    workload(() => adam({ learningRate: 0.2, beta1: 0.8 })),
    { weightDecay: 0.25 },
  ).optimizer();
  expect(decayed.getConfig()).toMatchObject({ beta1: 0.8, weightDecay: 0.25 });
  // One step of the decay alone: w ← w − η · m̂ / (√v̂ + ε) of the gradient 0.25 · w is a step of η.
  const weight = tf.variable(tf.scalar(2), true, 'decayed/weight');
  decayed.applyGradients({ [weight.name]: tf.scalar(0) });
  expect(weight.dataSync()[0]).toBeCloseTo(1.8, 5);
  weight.dispose();
  decayed.dispose();
});

test('an optimiser without a weight decay is not given one', () => {
  const plain = workload(() => tf.train.sgd(0.1) as unknown as TunableOptimizer);
  expect(Object.keys(trainingSpace(plain))).toEqual(['learningRateFactor']);
  expect(ownTraining(plain)).toEqual({ learningRateFactor: 1 });
  expect(() => withTraining(plain, { weightDecay: 0.1 }).optimizer()).toThrow(
    /SGD, has no weight decay to set/,
  );
});

test('what there is to choose lies around what the workload has', () => {
  const of = workload(() => sgd({ learningRate: 0.2, momentum: 0.9, weightDecay: 1e-3 }));
  expect(ownTraining(of)).toEqual({ learningRateFactor: 1, weightDecay: 1e-3 });
  const { weightDecay } = trainingSpace(of);
  expect(weightDecay).toMatchObject({ low: 1e-4, high: 1e-2, logarithmic: true });
});

test.each([
  [{ learningRateFactor: 0 }, /learningRateFactor = 0/],
  [{ learningRateFactor: NaN }, /learningRateFactor = NaN/],
  [{ weightDecay: -1 }, /weightDecay = -1/],
  [{ decay: 1 }, /decay/],
])('%o is refused', (settings, message) => {
  const of = workload(() => sgd({ learningRate: 0.2 }));
  expect(() => withTraining(of, settings as object)).toThrow(message);
});
