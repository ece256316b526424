/** Examples as tensors, and how good a model's outputs for them are. */
import type { Examples } from '@espalier/datasets';
import type { QualityMeasure, Task } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';

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

const EVALUATION_BATCH = 1000;

/** All examples in their order, batch by batch; the receiver disposes the tensors. */
export function* inOrder(examples: Examples): Generator<BatchTensors> {
  for (let start = 0; start < examples.count; start += EVALUATION_BATCH) {
    const count = Math.min(EVALUATION_BATCH, examples.count - start);
    yield gatherTensors(
      examples,
      Int32Array.from({ length: count }, (_, i) => start + i),
    );
  }
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
  for await (const { inputs, targets } of batches) {
    const sizes: number[] = [];
    // One tensor for all that is to be known: one reading from the device.
    const known = tf.tidy(() => {
      const outputs = model.apply(inputs, { training: false }) as tf.Tensor;
      const parts = accumulators.map((accumulator) =>
        accumulator.ofBatch(outputs, targets).flatten().toFloat(),
      );
      sizes.push(...parts.map(({ size }) => size));
      return tf.concat(parts);
    });
    const values = (await known.data()) as Float32Array;
    examples += inputs.shape[0] as number;
    tf.dispose([inputs, targets, known]);
    let start = 0;
    accumulators.forEach((accumulator, i) => {
      accumulator.add(values.subarray(start, (start += sizes[i] as number)));
    });
  }
  return Object.fromEntries(
    measures.map(({ key }, i) => [key, accumulators[i]?.value(examples) ?? null] as const),
  );
}
