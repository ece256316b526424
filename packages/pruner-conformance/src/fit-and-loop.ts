/** Check: it does not matter who drives the training. */
import { sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { ensure, type Check } from './conformance.js';
import {
  batchOf,
  calibrated,
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
  const data = denseData(totalSteps, 1);
  const pruner = makePruner();
  const hiddenOf = (x: tf.Tensor2D, weight: (name: string) => tf.Tensor) =>
    x.matMul<tf.Tensor2D>(weight('first/kernel')).add<tf.Tensor2D>(b1).tanh();
  const pruning = await sparsify(variables, pruner, {
    ...{ ...defaultTarget, totalSteps, optimizer },
    ...calibrated(pruner, (weight) => ({
      'first/kernel': data.x,
      'second/kernel': hiddenOf(data.x, weight),
    })),
  });
  for (let step = 0; step < totalSteps; step++) {
    const [x, y] = batchOf(data, step);
    const loss = () => {
      const hidden = hiddenOf(x, (name) => pruning.weight(name));
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
