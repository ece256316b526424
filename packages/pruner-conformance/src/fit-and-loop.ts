/** Check: it does not matter who drives the training. */
import { sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { ensure, type Check } from './conformance.js';
import {
  batchOf,
  defaultTarget,
  denseData,
  denseModel,
  difference,
  finishRecord,
  fit,
  masksOf,
  momentum,
  onBackend,
  recordRun,
  startRun,
  stepsFor,
} from './workbench.js';

/** What fused and unfused kernels may differ by over a run. */
const TOLERANCE = 1e-3;

/**
 * `model.fit` with the callback, and a loop of `trainOnBatch` and `step`, come to the same bits; a network of
 * variables with a loop of its own, computing with `pruning.weight`, to the same blocks and, but for the order of
 * sums, the same weights.
 */
export const checkFitAndLoop: Check = onBackend(async (makePruner, options) => {
  const totalSteps = stepsFor(makePruner(), options);
  const looped = await recordRun(await startRun(makePruner(), { totalSteps }));
  const run = await startRun(makePruner(), { totalSteps });
  await fit(run);
  const fitted = await finishRecord(run, [masksOf(run.pruning)]);
  const differs = difference({ ...looped, masks: looped.masks.slice(-1) }, fitted);
  ensure(
    differs === null,
    `model.fit and a loop of trainOnBatch and step() do not come to the same: ${differs}`,
  );

  const [w1, b1, w2, b2] = denseModel(1)
    .getWeights()
    .map((weight) => tf.variable(weight)) as [tf.Variable, tf.Variable, tf.Variable, tf.Variable];
  const optimizer = momentum();
  const variables = { 'first/kernel': w1, 'second/kernel': w2 };
  const pruning = await sparsify(variables, makePruner(), { ...defaultTarget, totalSteps, optimizer });
  const data = denseData(totalSteps, 1);
  for (let step = 0; step < totalSteps; step++) {
    const [x, y] = batchOf(data, step);
    const loss = () => {
      const hidden = x.matMul(pruning.weight('first/kernel')).add(b1).tanh();
      return tf.losses.meanSquaredError(
        y,
        hidden.matMul(pruning.weight('second/kernel')).add(b2),
      ) as tf.Scalar;
    };
    optimizer.minimize(loss, false, [w1, b1, w2, b2, ...pruning.addedVariables]);
    await pruning.step();
  }
  const masks = masksOf(pruning);
  await pruning.finalize();
  pruning.kernels.forEach(({ name }, i) => {
    const ofModel = looped.masks.at(-1)?.[i];
    ensure(
      masks[i] === ofModel,
      `A hand-written loop over variables ends with the blocks ${masks[i]} of ${name}, the model with ${ofModel}`,
    );
  });
  [w1, b1, w2, b2].forEach((weight, i) => {
    const ofModel = looped.weights[i] as Float32Array;
    const at = weight
      .dataSync<'float32'>()
      .findIndex((value, j) => !(Math.abs(value - (ofModel[j] as number)) <= TOLERANCE));
    ensure(
      at === -1,
      () =>
        `A hand-written loop over variables ends with other weights than the model: ${looped.weightNames[i]}, number ${at}`,
    );
  });
});
