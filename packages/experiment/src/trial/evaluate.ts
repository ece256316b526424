/** How good a model's outputs are. */
import type { QualityMeasure, Task } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';

import { disposeTensors, type BatchTensors } from './stream.js';

/** What the model puts out for a batch, as in training or not. */
export function outputsFor(
  model: tf.LayersModel,
  inputs: readonly tf.Tensor[],
  { training }: { training: boolean },
): tf.Tensor {
  const given = inputs.length === 1 ? (inputs[0] as tf.Tensor) : [...inputs];
  return model.apply(given, { training }) as tf.Tensor;
}

/**
 * Every measure of quality, in one pass over the batches, which it disposes.
 *
 * @returns their values by key
 */
export async function evaluate(
  model: tf.LayersModel,
  task: Task,
  measures: readonly QualityMeasure[],
  batches: Iterable<BatchTensors> | AsyncIterable<BatchTensors>,
): Promise<Record<string, number | null>> {
  const accumulators = measures.map((measure) => measure.accumulator(task.loss));
  let examples = 0;
  for await (const batch of batches) {
    const sizes: number[] = [];
    let known: tf.Tensor | undefined;
    let values: Float32Array;
    try {
      // One tensor for all that is to be known: one reading from the device.
      known = tf.tidy(() => {
        const outputs = outputsFor(model, batch.inputs, { training: false });
        const parts = accumulators.map((accumulator) =>
          accumulator.ofBatch(outputs, batch.targets).flatten().toFloat(),
        );
        sizes.push(...parts.map(({ size }) => size));
        return tf.concat(parts);
      });
      values = (await known.data()) as Float32Array;
      examples += batch.targets.shape[0] as number;
    } finally {
      known?.dispose();
      disposeTensors(batch);
    }
    let start = 0;
    accumulators.forEach((accumulator, i) => {
      accumulator.add(values.subarray(start, (start += sizes[i] as number)));
    });
  }
  return Object.fromEntries(
    measures.map(({ key }, i) => [key, accumulators[i]?.value(examples) ?? null] as const),
  );
}
