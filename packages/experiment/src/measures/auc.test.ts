import { binaryClassification, type QualityMeasure } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import accuracy from './accuracy.js';
import auc from './auc.js';
import loss from './loss.js';

beforeAll(() => tf.setBackend('cpu'));

/** In batches, as a pass over the test examples is. */
function measured(measure: QualityMeasure, scores: readonly number[], labels: readonly number[], batch = 64) {
  const accumulator = measure.accumulator(binaryClassification.loss);
  for (let first = 0; first < scores.length; first += batch) {
    const part = scores.slice(first, first + batch);
    const known = tf.tidy(() =>
      accumulator
        .ofBatch(
          tf.tensor2d(part, [part.length, 1]),
          tf.tensor1d(labels.slice(first, first + batch), 'int32'),
        )
        .flatten()
        .toFloat(),
    );
    accumulator.add(known.dataSync<'float32'>());
    known.dispose();
  }
  return accumulator.value(scores.length);
}

/** The minimal standard generator of Park and Miller, which is a line in any language. */
function draws(): () => number {
  let state = 1;
  return () => (state = (state * 48271) % 2147483647);
}

/** 1,000 scores of which many are equal, and labels that depend on them. */
function example(): { scores: number[]; labels: number[] } {
  const draw = draws();
  const [scores, labels]: [number[], number[]] = [[], []];
  for (let i = 0; i < 1000; i++) {
    const x = (draw() % 41) - 20;
    scores.push(x / 4);
    labels.push(Number(draw() % 100 < 30 + x));
  }
  return { scores, labels };
}

/** Over all pairs of a yes and a no. */
function byPairs(scores: readonly number[], labels: readonly number[]): number {
  let [pairs, sum] = [0, 0];
  labels.forEach((yes, i) => {
    labels.forEach((no, j) => {
      if (yes !== 1 || no !== 0) return;
      pairs += 1;
      sum += scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0;
    });
  });
  return sum / pairs;
}

describe('the AUC', () => {
  it('is what scikit-learn computes', () => {
    // sklearn.metrics, 1.9.1:
    //     roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    expect(measured(auc, [0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBe(0.75);
    //     state, scores, labels = 1, [], []
    //     def draw():
    //         global state
    //         state = (state * 48271) % 2147483647
    //         return state
    //     for i in range(1000):
    //         x = draw() % 41 - 20
    //         scores.append(x / 4); labels.append(int(draw() % 100 < 30 + x))
    //     roc_auc_score(labels, scores), log_loss(labels, 1 / (1 + np.exp(-np.array(scores))))
    const { scores, labels } = example();
    expect(labels.reduce((a, b) => a + b)).toBe(297);
    expect(Math.abs(measured(auc, scores, labels)! - 0.6686447212763003)).toBeLessThan(1e-12);
    expect(Math.abs(measured(loss, scores, labels)! - 1.0711175229594105)).toBeLessThan(1e-6);
  });

  it.each([1, 7, 64, 5000])('is what all pairs say, in batches of %d', (batch) => {
    const draw = draws();
    const scores = Array.from({ length: 400 }, (_, i) =>
      i % 3 === 0 ? 0 : Math.fround(draw() / 2 ** 28 - 4),
    );
    const labels = scores.map((score) => Number(draw() % 8 < 4 + score));
    expect(measured(auc, scores, labels, batch)).toBeCloseTo(byPairs(scores, labels), 12);
  });

  it('is 1 for all in order, 0 for all the other way, and 1/2 for one score of all', () => {
    expect(measured(auc, [-Infinity, -1, 2, Infinity], [0, 0, 1, 1])).toBe(1);
    expect(measured(auc, [3, 2, 1, 0], [0, 0, 1, 1])).toBe(0);
    expect(measured(auc, [0, -0, 0, -0], [0, 0, 1, 1])).toBe(0.5);
  });

  it('has nothing to say of one class alone, or of what is no number', () => {
    expect(measured(auc, [1, 2], [1, 1])).toBeNull();
    expect(measured(auc, [1, 2], [0, 0])).toBeNull();
    expect(measured(auc, [1, NaN, 2], [0, 1, 1])).toBeNull();
  });
});

describe('the accuracy of one logit', () => {
  it('is the share whose sign is right; 0 says no', () => {
    expect(measured(accuracy, [0.1, -0.1, 5, -5, 0], [1, 0, 0, 1, 0], 2)).toBe(3 / 5);
  });
});
