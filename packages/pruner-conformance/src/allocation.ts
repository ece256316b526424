/** Check: how the budget is shared over the layers is the target's to say, and else the strategy's own. */
import { sparsify, uniform, type Allocation, type ModelPruning, type Target } from '@espalier/core';

import { ensure, type Check } from './conformance.js';
import {
  calibrated,
  defaultTarget,
  denseData,
  denseModel,
  momentum,
  onBackend,
  stepsFor,
  trainStep,
} from './workbench.js';

const { sparsity } = defaultTarget;

/** The first layer to `1 − (1 − s)²`, the others to `s²`: 1 of 15 and 5 of 12 blocks, where uniform keeps 4 and 3. */
const lopsided: Allocation = {
  name: 'lopsided',
  byScore: false,
  keep: (layers, s) =>
    layers.map(({ grid: { blocks } }, i) =>
      Math.max(1, Math.round(blocks * (i === 0 ? (1 - s) ** 2 : 1 - s ** 2))),
    ),
};

/**
 * Each layer ends with the blocks that the target's allocation gives it, or, where the target names none, the
 * strategy's own, or the uniform one. Of an allocation by scores, and of a search that ends as `learned`, the counts are
 * not known from outside: there it is asked which allocation is in force.
 */
export const checkAllocation: Check = onBackend(async (makePruner, options) => {
  for (const ofTarget of [undefined, lopsided]) {
    const pruner = makePruner();
    const totalSteps = stepsFor(pruner, options);
    const { allocation: _, ...rest } = defaultTarget;
    const data = denseData(totalSteps, 1);
    const inputs = calibrated(pruner, data.x);
    const target: Target = { ...rest, totalSteps, ...inputs, ...(ofTarget && { allocation: ofTarget }) };
    const model = denseModel(1);
    const optimizer = momentum();
    model.compile({ optimizer, loss: 'meanSquaredError' });
    const pruning = await sparsify(model, pruner, target);
    const inForce = ofTarget ?? pruner.allocation ?? uniform;
    ensure(
      pruning.allocation === inForce,
      `The allocation in force is ${pruning.allocation.name}, not ${inForce.name}`,
    );
    const run = { model, optimizer, pruning, data, totalSteps };
    for (let step = 0; step < totalSteps; step++) await trainStep(run, step);
    await pruning.finalize();
    if (!inForce.byScore && pruner.search.final !== 'learned') ensureCounts(pruning, inForce);
  }
});

function ensureCounts({ kernels }: ModelPruning, allocation: Allocation): void {
  const counts = allocation.keep(
    kernels.map(({ grid, variable }) => ({
      grid,
      kernelShape: variable.shape,
      scores: new Float32Array(grid.blocks),
    })),
    sparsity,
  );
  kernels.forEach(({ name, kept, grid }, i) =>
    ensure(
      kept === counts[i],
      `${name} ends with ${kept} of ${grid.blocks} blocks, where the ${allocation.name} allocation gives it ${counts[i]}. ` +
        'A phase that chooses by itself chooses as many blocks as `keep` says',
    ),
  );
}
