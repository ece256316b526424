/** Check: an op beside a definition, by `inOnePass`, comes to what the definition says. */
import { scaleBlocks } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { ensure, type Check } from './conformance.js';
import { onBackend, startRun, stepsFor, trainStep } from './workbench.js';

/** Both round, in another order. */
const TOLERANCE = 1e-4;

/**
 * In every step the effective weight, and the gradients by the raw weight and the trainables, are those of
 * `elementwise(raw) ⊙ blockScale ⊙ mask`.
 */
export const checkOnePass: Check = onBackend(async (makePruner, options) => {
  const pruner = makePruner();
  const { elementwise, blockScale } = pruner.parameterisation;
  // What is composed is the definition; under straight-through gradients core masks by itself.
  if (!(elementwise?.onePass ?? blockScale?.onePass) || pruner.search.gradient === 'all') return;
  const totalSteps = stepsFor(pruner, options);
  const run = await startRun(pruner, { totalSteps });
  for (let step = 0; step < totalSteps; step++) {
    await trainStep(run, step);
    for (const kernel of run.pruning.kernels) {
      const { variable, trainables, grid, mask } = kernel;
      const [n, m] = grid.matrixShape;
      const defined = () => {
        const { raw, elementwise: made, blockScale: scale } = kernel.factors();
        const bits = tf.tensor2d(Float32Array.from(mask), [...grid.gridShape]);
        return scaleBlocks(made?.(raw) ?? raw, scale ? scale.mul<tf.Tensor2D>(bits) : bits, grid);
      };
      const variables = [variable, ...Object.values(trainables)];
      const everything = (weight: () => tf.Tensor) => {
        // Numbers that differ, so that no two gradients hide one another.
        const flow = tf
          .range(0, n * m)
          .sin()
          .reshape([n, m]);
        const loss = () => weight().reshape([n, m]).mul(flow).sum<tf.Scalar>();
        const { grads } = tf.variableGrads(loss, variables);
        return [weight().flatten(), ...variables.map(({ name }) => (grads[name] ?? tf.zeros([1])).flatten())];
      };
      const [expected, actual] = tf.tidy(() =>
        [defined, () => kernel.effective()].map((weight) =>
          everything(weight).map((numbers) => numbers.dataSync<'float32'>()),
        ),
      ) as [Float32Array[], Float32Array[]];
      expected.forEach((numbers, i) => {
        const largest = numbers.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
        const at = numbers.findIndex((value, place) => {
          return !(Math.abs(value - actual[i]![place]!) <= TOLERANCE * largest);
        });
        const what = i === 0 ? 'the effective weight' : `the gradient by ${nameOf(i - 1, trainables)}`;
        ensure(
          at === -1,
          `In step ${step + 1} the op of inOnePass() makes ${actual[i]![at]} of number ${at} of ${what} of ` +
            `${kernel.name}, and the definition beside it ${numbers[at]}: they must come to the same`,
        );
      });
    }
  }
});

function nameOf(place: number, trainables: Readonly<Record<string, tf.Variable>>): string {
  return place === 0 ? 'the raw weight' : Object.keys(trainables)[place - 1]!;
}
