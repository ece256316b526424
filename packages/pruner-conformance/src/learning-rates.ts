/** Check: what a strategy gives a learning rate of its own has one at every step. */
import { sparsify } from '@espalier/core';

import { ensure, type Check } from './conformance.js';
import {
  calibrated,
  defaultTarget,
  denseData,
  denseModel,
  momentum,
  onBackend,
  stepsFor,
} from './workbench.js';

/**
 * A learning rate of the strategy's own is a number in [0, ∞) at each step, and where training goes on past the end; and
 * above 0 at some step, as what it is of would not train.
 */
export const checkLearningRates: Check = onBackend(async (makePruner, options) => {
  const pruner = makePruner();
  const totalSteps = stepsFor(pruner, options);
  const model = denseModel(1);
  model.compile({ optimizer: momentum(), loss: 'meanSquaredError' });
  const pruning = await sparsify(model, pruner, {
    ...{ ...defaultTarget, totalSteps },
    ...calibrated(pruner, denseData(totalSteps, 1).x),
  });
  const own = pruning.kernels.flatMap(({ ownRates }) => ownRates);
  for (const { name, rate } of own) {
    const rates = Array.from({ length: totalSteps + 1 }, (_, step) => rate(step, totalSteps));
    const wrong = rates.findIndex((value) => !(value >= 0 && value < Infinity));
    ensure(
      wrong === -1,
      `The learning rate of ${name} is ${rates[wrong]} at step ${wrong} of ${totalSteps}, not a number in [0, ∞)`,
    );
    ensure(
      rates.some((value) => value > 0),
      `The learning rate of ${name} is 0 at every step: it does not train`,
    );
  }
  pruning.abandon();
});
