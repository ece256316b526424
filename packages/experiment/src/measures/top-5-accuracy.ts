import { percent, type QualityMeasure } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';

const K = 5;

/**
 * Share of the test examples whose own class is among the five of the highest logits, the lower index first among
 * equals. Null of five classes or fewer, whose every guess is right.
 */
const top5Accuracy: QualityMeasure = {
  key: 'top5Accuracy',
  title: 'top-5 accuracy',
  format: percent,
  better: 'higher',
  place: 14,
  importance: 5,
  spread: true,
  optional: true,
  tasks: ['classification'],
  accumulator() {
    let correct: number | null = 0;
    return {
      ofBatch(outputs, targets) {
        if ((outputs.shape.at(-1) as number) <= K) return tf.scalar(NaN);
        const { indices } = tf.topk(outputs, K);
        return indices.equal(targets.expandDims(1)).sum().toFloat();
      },
      add: ([hits]) => (correct = correct === null || Number.isNaN(hits) ? null : correct + (hits as number)),
      value: (examples) => (correct === null ? null : correct / examples),
    };
  },
};

export default top5Accuracy;
