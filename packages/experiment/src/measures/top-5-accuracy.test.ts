import { classification } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import top5Accuracy from './top-5-accuracy.js';

beforeAll(() => tf.setBackend('cpu'));

function measured(batches: readonly { logits: number[][]; labels: number[] }[]): number | null {
  const accumulator = top5Accuracy.accumulator(classification.loss);
  let examples = 0;
  for (const { logits, labels } of batches) {
    const known = tf.tidy(() =>
      accumulator.ofBatch(tf.tensor2d(logits), tf.tensor1d(labels, 'int32')).flatten().toFloat(),
    );
    accumulator.add(known.dataSync<'float32'>());
    known.dispose();
    examples += labels.length;
  }
  return accumulator.value(examples);
}

describe('the top-5 accuracy', () => {
  it('is the share whose class is among the five highest', () => {
    const logits = [1, 9, 3, 7, 5, 6, 8]; // From the highest: 1, 6, 3, 5, 4; then 2 and 0.
    const first = { logits: [logits, logits, logits], labels: [1, 4, 2] };
    const second = { logits: [logits, logits], labels: [0, 6] };
    expect(measured([first, second])).toBe(3 / 5);
  });

  it('takes the lower indices among equals: a model that says nothing is right of five classes alone', () => {
    const nothing = Array<number>(8).fill(0);
    const labels = [0, 1, 2, 3, 4, 5, 6, 7];
    expect(measured([{ logits: labels.map(() => nothing), labels }])).toBe(5 / 8);
  });

  it('has nothing to say of five classes', () => {
    const five = { logits: [[1, 2, 3, 4, 5]], labels: [0] };
    expect(measured([five, five])).toBeNull();
  });
});
