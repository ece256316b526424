/** What fewer bits cost: sizes, and how far weights and outputs move. */
import { describeValue } from '@espalier/blocks';
import { assertModel } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { plannedWeights, type HowToQuantize, type Quantization } from './plan.js';
import { quantizedArtifacts } from './save.js';

export interface QuantizationReport {
  readonly kernels: readonly QuantizedKernelReport[];
  /** Of all weights in the file, those that stay float32 too. */
  readonly bytes: number;
  /** Of the same weights in float32. */
  readonly float32Bytes: number;
  /** The largest change of any number of any output, over the sample inputs; null without any. */
  readonly worstOutputChange: number | null;
  /** The largest magnitude of any number of any output, to compare with; null without sample inputs. */
  readonly largestOutput: number | null;
}

export interface QuantizedKernelReport {
  /** `layer/kernel` */
  readonly name: string;
  readonly quantization: Quantization;
  /** The numbers that are stored. */
  readonly weights: number;
  /** The largest change of one of them. */
  readonly worstChange: number;
}

/**
 * What `save(…, { quantize })` would make of a model.
 *
 * @param inputs sample inputs, as `model.predict` takes them, over which outputs are compared
 * @throws what `saveQuantized` throws
 */
export async function quantizationReport(
  model: tf.LayersModel,
  quantize: HowToQuantize,
  inputs?: tf.Tensor | tf.Tensor[],
): Promise<QuantizationReport> {
  const of = 'quantizationReport()';
  assertModel(model, of);
  assertInputs(inputs, of);
  const artifacts = await quantizedArtifacts(model, quantize, of);
  // As whoever loads the file has it.
  const rounded = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  try {
    const after = plannedWeights(rounded, quantize, of);
    const kernels: QuantizedKernelReport[] = [];
    for (const [i, { name, quantization, variable }] of plannedWeights(model, quantize, of).entries()) {
      const [worstChange] = await changeOf(variable, after[i]!.variable);
      kernels.push({ name, quantization, weights: variable.size, worstChange });
    }
    const changes = inputs ? await outputChanges(model, rounded, inputs) : null;
    return {
      kernels,
      bytes: tf.io.CompositeArrayBuffer.join(artifacts.weightData!).byteLength,
      float32Bytes: 4 * model.countParams(),
      worstOutputChange: changes && Math.max(...changes.map(([change]) => change)),
      largestOutput: changes && Math.max(...changes.map(([, largest]) => largest)),
    };
  } finally {
    rounded.dispose();
  }
}

function assertInputs(inputs: unknown, of: string): void {
  const given = [inputs].flat();
  if (inputs === undefined || (given.length > 0 && given.every((each) => each instanceof tf.Tensor))) return;
  throw new TypeError(
    `${of} takes a tensor, or one for each input, as its samples: it is given ${describeValue(inputs)}`,
  );
}

async function outputChanges(
  before: tf.LayersModel,
  after: tf.LayersModel,
  inputs: tf.Tensor | tf.Tensor[],
): Promise<(readonly [change: number, largest: number])[]> {
  const [own, others] = [before, after].map((model) => tf.tidy(() => [model.predict(inputs)].flat()));
  const changes = await Promise.all(own!.map((output, i) => changeOf(output, others![i]!)));
  tf.dispose([own!, others!]);
  return changes;
}

/** The largest difference of two tensors' numbers, and the largest magnitude of the first's. */
async function changeOf(a: tf.Tensor, b: tf.Tensor): Promise<readonly [change: number, largest: number]> {
  const [before, after] = await Promise.all([a.data(), b.data()]);
  let [change, largest] = [0, 0];
  before.forEach((value, i) => {
    change = Math.max(change, Math.abs(value - after[i]!));
    largest = Math.max(largest, Math.abs(value));
  });
  return [change, largest];
}
