import { percent, type QualityMeasure } from '@espalier/workloads';
import type * as tf from '@tensorflow/tfjs';

/** Share of the test examples whose own class has the highest logit; of one logit, whose sign is right. */
const accuracy: QualityMeasure = {
  key: 'accuracy',
  title: 'accuracy',
  format: percent,
  better: 'higher',
  place: 10,
  importance: 18,
  spread: true,
  tasks: ['classification', 'binary-classification'],
  accumulator() {
    let correct = 0;
    return {
      ofBatch: (outputs, targets) => predicted(outputs).equal(targets).sum().toFloat(),
      add: ([hits]) => (correct += hits as number),
      value: (examples) => correct / examples,
    };
  },
};

/** Class indices. */
function predicted(outputs: tf.Tensor): tf.Tensor {
  return outputs.shape.at(-1) === 1 ? outputs.flatten().greater(0).toInt() : outputs.argMax(-1);
}

export default accuracy;
