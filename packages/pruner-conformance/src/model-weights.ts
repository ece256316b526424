/** Check: what a model's weights are to those outside, while a run holds them. */
import * as tf from '@tensorflow/tfjs';

import { ensure, type Check } from './conformance.js';
import { denseModel, middles, onBackend, startRun, stepsFor, trainStep, type Run } from './workbench.js';

/** What a change of coordinates and back may cost in single precision, relative to the largest output. */
const TOLERANCE = 1e-4;

/**
 * In the middle of each kind of phase, `model.getWeights()` gives a plain model the weights by which it predicts the same;
 * and these weights, set again, leave the predictions as they are: what was kept as the best can be put back.
 */
export const checkModelWeights: Check = onBackend(async (makePruner, options) => {
  const totalSteps = stepsFor(makePruner(), options);
  const moments = middles(makePruner, totalSteps);
  const run = await startRun(makePruner(), { totalSteps });
  for (let step = 0; step < totalSteps; step++) {
    await trainStep(run, step);
    if (moments.has(step)) verify(run, step);
  }
});

function verify({ model, data }: Run, step: number): void {
  const predictions = (by: tf.LayersModel) =>
    tf.tidy(() => (by.predict(data.x) as tf.Tensor).dataSync<'float32'>().slice());
  const before = predictions(model);
  const read = tf.tidy(() => model.getWeights().map((weight) => tf.clone(weight)));
  const plain = denseModel(2);
  plain.setWeights(read);
  assertSame(
    predictions(plain),
    before,
    `A plain model with the weights that are read after step ${step}`,
    '',
  );
  try {
    model.setWeights(read);
  } catch (error) {
    ensure(
      false,
      `The weights that are read after step ${step} cannot be set again (${(error as Error).message}). Give the ` +
        'parameterisation a raw() that inverts it with the trainables and buffers of the moment',
    );
  }
  assertSame(
    predictions(model),
    before,
    `The model, given its own weights again after step ${step},`,
    '. Let raw() invert the parameterisation',
  );
  tf.dispose(read);
}

function assertSame(actual: Float32Array, expected: Float32Array, what: string, wayOut: string): void {
  const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const at = expected.findIndex((value, i) => !(Math.abs(value - actual[i]!) <= TOLERANCE * largest));
  ensure(
    at === -1,
    `${what} does not predict the same: output ${at} is ${actual[at]}, not ${expected[at]}${wayOut}`,
  );
}
