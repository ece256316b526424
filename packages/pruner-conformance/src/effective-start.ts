/** Check: a run begins with the weights that the model had. */
import { ensure, type Check } from './conformance.js';
import { denseModel, effectiveValues, masked, onBackend, startRun, stepsFor } from './workbench.js';

/** What a change of coordinates and back may cost in single precision, relative to the largest weight. */
const TOLERANCE = 1e-5;

/** The effective weights at the start are the plain ones, in the blocks that the first phase keeps. */
export const checkEffectiveStart: Check = onBackend(async (makePruner, options) => {
  const pruner = makePruner();
  const plain = denseModel(1);
  const { pruning } = await startRun(pruner, { totalSteps: stepsFor(pruner, options) });
  for (const kernel of pruning.kernels) {
    const weight = plain.getLayer(kernel.name.split('/')[0] as string).getWeights()[0];
    const expected = masked(kernel, weight?.dataSync<'float32'>() as Float32Array, kernel.mask);
    const actual = effectiveValues(kernel);
    const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const at = expected.findIndex(
      (value, i) => !(Math.abs(value - (actual[i] as number)) <= TOLERANCE * largest),
    );
    ensure(
      at === -1,
      `The effective weights of ${kernel.name} do not start as the plain ones: number ${at} is ${actual[at]}, not ` +
        `${expected[at]}. Give the parameterisation a raw() that inverts it, or trainables that start neutral`,
    );
  }
});
