/** Checks: what `finalize` leaves has the blocks that the target allows, at every sparsity and at ragged edges. */
import { sparsify, type KernelState, type Pruner, type Target } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { ensure, type Check } from './conformance.js';
import {
  calibrated,
  countNonZeroBlocks,
  defaultTarget,
  effectiveValues,
  masked,
  onBackend,
  randomTensor,
  startRun,
  stepsFor,
  targetBlocks,
  trainStep,
} from './workbench.js';

/**
 * Exactly `k = max(1, round(G · (1 − s)))` blocks of each pruned layer are left, the others zero. Of a strategy
 * whose search ends as `learned`: what is left is what the network computed with, whatever its sparsity.
 */
export const checkFinalBlocks: Check = onBackend(async (makePruner, options) => {
  for (const sparsity of [defaultTarget.sparsity, 0.5]) {
    const pruner = makePruner();
    await trainAndVerify(pruner, stepsFor(pruner, options), { sparsity });
  }
});

/** What the network computes with after `finalize` is what it computed with before, in the blocks that are left. */
export const checkFinalize: Check = onBackend(async (makePruner, options) => {
  const totalSteps = stepsFor(makePruner(), options);
  const run = await startRun(makePruner(), { totalSteps });
  for (let step = 0; step < totalSteps; step++) await trainStep(run, step);
  const { kernels } = run.pruning;
  const before = kernels.map(effectiveValues);
  await run.pruning.finalize();
  kernels.forEach((kernel, i) => {
    const expected = masked(kernel, before[i] as Float32Array, kernel.mask);
    const after = weightsOf(kernel);
    const at = after.findIndex((value, j) => value !== expected[j]);
    ensure(
      at === -1,
      `finalize() changes what ${kernel.name} computes with: number ${at} was ${expected[at]} and is ${after[at]}`,
    );
  });
});

/** A run that ends early, in any phase, is pruned to the target all the same. */
export const checkEarlyEnd: Check = onBackend(async (makePruner, options) => {
  const { sparsity } = defaultTarget;
  const totalSteps = stepsFor(makePruner(), options);
  for (const share of [0, 0.3, 0.7]) {
    const run = await startRun(makePruner(), { totalSteps });
    const steps = Math.round(share * totalSteps);
    for (let step = 0; step < steps; step++) await trainStep(run, step);
    const { search } = run.pruning.pruner;
    await run.pruning.finalize();
    if (search.final === 'learned') continue;
    for (const kernel of run.pruning.kernels) {
      const left = countNonZeroBlocks(kernel, weightsOf(kernel));
      const k = targetBlocks(kernel, sparsity);
      // A block that was grown and not yet trained is all zeros: fewer may hold a weight, never more.
      ensure(
        kernel.kept === k && left <= k,
        `${kernel.name} keeps ${kernel.kept} blocks, ${left} of them not zero, after a run that ended at step ${steps} of ` +
          `${totalSteps}; the target is k = ${k}`,
      );
    }
  }
});

/** At sparsity 0 every block stays, in every phase. */
export const checkSparsityZero: Check = onBackend(async (makePruner, options) => {
  const pruner = makePruner();
  await trainAndVerify(pruner, stepsFor(pruner, options), { sparsity: 0 });
});

/** At the highest sparsity one block of each layer is left, and all numbers stay finite. */
export const checkOneBlock: Check = onBackend(async (makePruner, options) => {
  const pruner = makePruner();
  await trainAndVerify(pruner, stepsFor(pruner, options), { sparsity: 0.999 });
});

/** Blocks that do not divide the kernel: smaller ones at the edges, and as wide or as high as the kernel. */
export const checkRaggedEdges: Check = onBackend(async (makePruner, options) => {
  const blockShapes = [
    [2, 3],
    [4, 1],
    [1, 7],
    [5, 4],
  ] as const;
  for (const blockShape of blockShapes) {
    const pruner = makePruner();
    const totalSteps = stepsFor(pruner, options);
    const w = tf.variable(randomTensor([5, 7], 11));
    const [x, y] = [randomTensor([6, 5], 12), randomTensor([6, 7], 13)];
    const optimizer = tf.train.sgd(0.1);
    const inputs = calibrated(pruner, () => ({ w: x }));
    const target = { ...defaultTarget, blockShape, totalSteps, optimizer, ...inputs };
    const pruning = await sparsify({ w }, pruner, target);
    for (let step = 0; step < totalSteps; step++) {
      const loss = () => tf.losses.meanSquaredError(y, x.matMul(pruning.weight('w'))) as tf.Scalar;
      optimizer.minimize(loss, false, [w, ...pruning.addedVariables]);
      await pruning.step();
    }
    await finalizeAndVerify(
      pruning,
      defaultTarget.sparsity,
      `with blocks of ${blockShape.join('×')} over 5×7`,
    );
  }
});

async function trainAndVerify(pruner: Pruner, totalSteps: number, target: Partial<Target>): Promise<void> {
  const run = await startRun(pruner, { totalSteps, target });
  for (let step = 0; step < totalSteps; step++) {
    await trainStep(run, step);
    if (target.sparsity !== 0 || pruner.search.final === 'learned') continue;
    for (const { name, kept, grid } of run.pruning.kernels) {
      ensure(
        kept === grid.blocks,
        `${name} keeps ${kept} of ${grid.blocks} blocks at sparsity 0, after step ${step + 1}`,
      );
    }
  }
  await finalizeAndVerify(run.pruning, target.sparsity as number, `at sparsity ${target.sparsity}`);
}

/** Finalizes a run that has done all its steps, and counts what is left without core's help. */
export async function finalizeAndVerify(
  pruning: Awaited<ReturnType<typeof startRun>>['pruning'] | Awaited<ReturnType<typeof sparsify>>,
  sparsity: number,
  where: string,
): Promise<void> {
  const { kernels, pruner } = pruning;
  const { pruned } = await pruning.finalize();
  kernels.forEach((kernel, i) => {
    const { name, grid } = kernel;
    const after = weightsOf(kernel);
    ensure(after.every(Number.isFinite), `Not every weight of ${name} is finite ${where}`);
    const left = countNonZeroBlocks(kernel, after);
    const k = targetBlocks(kernel, sparsity);
    ensure(
      pruner.search.final === 'learned' || left === k,
      `${name} ends with ${left} of ${grid.blocks} blocks ${where}, where the target is k = ${k}. ` +
        "A strategy whose sparsity is learned, not set, says so by its search: final: 'learned'",
    );
    ensure(
      pruned[i]?.keptBlocks === left,
      `The report counts ${pruned[i]?.keptBlocks} blocks of ${name} ${where}, its weights have ${left}`,
    );
  });
}

function weightsOf({ variable }: KernelState): Float32Array {
  return variable.dataSync<'float32'>().slice();
}
