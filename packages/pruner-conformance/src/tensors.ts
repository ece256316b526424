/** Check: a run owns the tensors that it is known to own, and leaves none behind. */
import { sparsify, type ModelPruning } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { ensure, type Check } from './conformance.js';
import {
  calibrated,
  defaultTarget,
  denseData,
  denseModel,
  onBackend,
  stepsFor,
  trainStep,
} from './workbench.js';

/**
 * No step leaks a tensor: a run holds its trainables, its buffers and what each kernel that has a mask computes with under
 * it, and after `finalize` nothing.
 */
export const checkTensors: Check = onBackend(async (makePruner, options) => {
  const pruner = makePruner();
  const totalSteps = stepsFor(pruner, options);
  const data = denseData(totalSteps + 1, 1);
  for (const [optimizer, hasSlots] of [
    [tf.train.sgd(0.05), false],
    [tf.train.adam(0.01), true],
  ] as const) {
    const model = denseModel(1);
    model.compile({ optimizer, loss: 'meanSquaredError' });
    const before = tf.memory().numTensors;
    const pruning = await sparsify(model, pruner, {
      ...{ ...defaultTarget, totalSteps },
      ...calibrated(pruner, data.x),
    });
    const run = { model, optimizer, pruning, data, totalSteps };
    const ensureMasksAlone = (when: string) => {
      for (const { name, maskTensors } of pruning.kernels) {
        ensure(
          maskTensors <= MOST_OF_A_MASK,
          `${when} the mask of ${name} has ${maskTensors} tensors, not ${MOST_OF_A_MASK} at most: ` +
            'a strategy keeps nothing in the results of a TrainingMask',
        );
      }
    };
    const unaccounted = () => tf.memory().numTensors - before - owned(pruning);
    ensureNone(
      unaccounted(),
      'sparsify() leaves',
      'trainables(), buffers() and raw() must dispose what they do not return (tf.tidy)',
    );
    for (let step = 0; step < totalSteps; step++) {
      await trainStep(run, step);
      ensureMasksAlone(`After step ${step + 1}`);
      if (!hasSlots)
        ensureNone(unaccounted(), `Step ${step + 1} leaves`, 'wrap what makes tensors in tf.tidy');
    }
    await pruning.finalize();
    ensureNone(
      tf.memory().numTensors - before,
      'After finalize() there are',
      'no tensor may outlive the run',
    );
  }
});

/** On cpu, the mask itself, as one number a block: what a mask keeps to write into again is wasm's. */
const MOST_OF_A_MASK = 1;

/** The tensors that a run holds between two steps; where it scores by gradients, with that of the last step. */
function owned({ kernels }: ModelPruning): number {
  const count = kernels.map(({ trainables, buffers, maskTensors, recorded }) => {
    const variables = Object.keys(trainables).length + Object.keys(buffers).length;
    return variables + maskTensors + (recorded.gradient ? 1 : 0);
  });
  return count.reduce((a, b) => a + b, 0);
}

function ensureNone(count: number, what: string, advice: string): void {
  if (count === 0) return;
  const tensors =
    count > 0
      ? `${count} tensors too many`
      : `${-count} tensors too few (one was disposed that is still owned)`;
  ensure(false, `${what} ${tensors}: ${advice}`);
}
