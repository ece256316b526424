/** Losses and metrics of the two tasks, on examples as tensors. */
import type { Examples } from '@espalier/datasets';
import { softmaxCrossEntropy } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';

import type { Workload } from '../workload.js';

export interface BatchTensors {
  readonly inputs: tf.Tensor;
  /** Class indices, `[batch]` int32, or numbers, `[batch, …]`. */
  readonly targets: tf.Tensor;
}

/** The examples at these indices; the caller disposes both tensors. */
export function gatherTensors(examples: Examples, indices: Int32Array): BatchTensors {
  const { inputs, targets } = examples.gather(indices);
  const count = indices.length;
  return {
    inputs: tf.tensor(inputs, [count, ...examples.inputShape], 'float32'),
    targets: tf.tensor(
      targets,
      [count, ...examples.targetShape],
      targets instanceof Int32Array ? 'int32' : 'float32',
    ),
  };
}

/** Mean over the batch: of the softmax cross-entropy, or of the squared error of every output. */
export function lossOf(task: Workload['task'], outputs: tf.Tensor, targets: tf.Tensor): tf.Scalar {
  switch (task) {
    case 'classification': {
      const classes = outputs.shape.at(-1) as number;
      return softmaxCrossEntropy(tf.oneHot(targets as tf.Tensor1D, classes).toFloat(), outputs);
    }
    case 'regression':
      return tf.losses.meanSquaredError(targets, outputs);
    default:
      return task satisfies never;
  }
}

export interface Quality {
  readonly loss: number;
  readonly accuracy?: number;
}

const EVALUATION_BATCH = 1000;

/** Loss, and accuracy of a classification, over all examples. */
export async function evaluate(
  model: tf.LayersModel,
  task: Workload['task'],
  examples: Examples,
): Promise<Quality> {
  let lossSum = 0;
  let correct = 0;
  for (let start = 0; start < examples.count; start += EVALUATION_BATCH) {
    const count = Math.min(EVALUATION_BATCH, examples.count - start);
    const indices = Int32Array.from({ length: count }, (_, i) => start + i);
    const { inputs, targets } = gatherTensors(examples, indices);
    const sums = tf.tidy(() => {
      const outputs = model.apply(inputs, { training: false }) as tf.Tensor;
      const loss = lossOf(task, outputs, targets).mul(count);
      const hits =
        task === 'classification'
          ? outputs.argMax(-1).equal(targets).sum().toFloat()
          : tf.scalar(0, 'float32');
      return tf.stack([loss, hits]);
    });
    const [loss = NaN, hits = 0] = await sums.data();
    tf.dispose([inputs, targets, sums]);
    lossSum += loss;
    correct += hits;
  }
  const loss = lossSum / examples.count;
  return task === 'classification' ? { loss, accuracy: correct / examples.count } : { loss };
}
