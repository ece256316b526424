/** Check: what sparse phases rely on, as they compute the weights of the kept blocks alone. */
import * as tf from '@tensorflow/tfjs';

import { ensure, type Check } from './conformance.js';
import { onBackend, startRun, stepsFor, trainStep } from './workbench.js';

/** In another shape, the backend may take another way through the same function. */
const TOLERANCE = 1e-6;

/** `elementwise` makes of every other weight, given as a column, what it makes of them among all. */
export const checkElementwise: Check = onBackend(async (makePruner, options) => {
  const pruner = makePruner();
  if (!pruner.parameterisation.elementwise) return;
  const run = await startRun(pruner, { totalSteps: stepsFor(pruner, options) });
  await trainStep(run, 0);
  for (const kernel of run.pruning.kernels) {
    const [expected, actual] = tf.tidy(() => {
      const { raw, elementwise } = kernel.factors();
      const some = Array.from({ length: Math.ceil(raw.size / 2) }, (_, i) => 2 * i);
      const gather = (matrix: tf.Tensor) => matrix.flatten().gather(some);
      const column = gather(raw).reshape<tf.Tensor2D>([some.length, 1]);
      return [gather(elementwise!(raw)).dataSync<'float32'>(), elementwise!(column).dataSync<'float32'>()];
    });
    const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const at = expected.findIndex((value, i) => !(Math.abs(value - actual[i]!) <= TOLERANCE * largest));
    ensure(
      at === -1 && actual.length === expected.length,
      `elementwise makes ${actual[at]} of a weight of ${kernel.name} when it is given some of the weights, and ` +
        `${expected[at]} when it is given all: it must be a function of each weight alone. A factor that depends on ` +
        'the block belongs into blockScale',
    );
  }
});
