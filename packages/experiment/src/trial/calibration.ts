/** What strategies that score by the inputs of layers are measured on: some examples of the training split. */
import type { Pruner } from '@espalier/core';
import type { WorkloadData } from '@espalier/workloads';
import type * as tf from '@tensorflow/tfjs';

import type { Batches } from './batches.js';
import { disposeTensors, toTensors } from './stream.js';

/** Examples; Wanda takes 128 sequences (arXiv 2306.11695 §4). */
const EXAMPLES = 256;

/**
 * The inputs of the first examples that a trial of this seed trains on, as they are without anything random, which the caller
 * disposes; of a smaller training split, all of its first epoch. None for a strategy that does without.
 */
export async function calibrationOf(
  { importance, growth }: Pruner,
  { train }: Pick<WorkloadData, 'train'>,
  batches: Pick<Batches, 'at' | 'totalSteps'>,
): Promise<tf.Tensor[]> {
  if (!importance.usesInputs && !growth?.usesInputs) return [];
  const indices: number[] = [];
  const wanted = Math.min(EXAMPLES, train.count);
  for (let step = 0; step < batches.totalSteps && indices.length < wanted; step++) {
    indices.push(...batches.at(step));
  }
  const examples = indices.slice(0, wanted);
  const { inputs, targets, weights } = toTensors(train, await train.gather(examples), 0, examples.length);
  disposeTensors({ inputs: [], targets, weights });
  return [...inputs];
}

/** As a part of the target: nothing, where there are none. */
export function calibratedBy(calibration: readonly tf.Tensor[]): { calibration?: readonly tf.Tensor[] } {
  return calibration.length > 0 ? { calibration } : {};
}
