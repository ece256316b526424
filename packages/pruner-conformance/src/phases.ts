/** Check: the masks during training are those that the strategy's own phases allow. */
import {
  blocksToKeep,
  keepAll,
  keptBlocks,
  phaseAt,
  placePhases,
  progressAt,
  selectsAt,
  type BlockMask,
  type KernelState,
  type Phase,
} from '@espalier/core';

import { ensure, type Check } from './conformance.js';
import {
  defaultTarget,
  effectiveValues,
  masked,
  onBackend,
  startRun,
  stepsFor,
  trainStep,
} from './workbench.js';

/** What a kernel had before. */
type Choice = Pick<KernelState, 'chosen' | 'mask'>;

/**
 * Before every step: the choice changes only where its phase selects, keeps no more blocks than the curve allows,
 * takes only candidates; and the network computes with zeros outside of the mask.
 */
export const checkPhases: Check = onBackend(async (makePruner, options) => {
  const pruner = makePruner();
  const totalSteps = stepsFor(pruner, options);
  const placed = placePhases(pruner.search.phases, totalSteps);
  const run = await startRun(pruner, { totalSteps });
  let before = run.pruning.kernels.map(({ grid: { blocks } }) => ({
    chosen: keepAll(blocks),
    mask: keepAll(blocks),
  }));
  for (let step = 0; step < totalSteps; step++) {
    const here = phaseAt(placed, step);
    const { phase } = here;
    const share = phase.curve(progressAt(here, step));
    const where = `at step ${step}, in phase '${phase.name}'`;
    ensure(
      share >= 0 && share <= 1,
      `The curve gives ${share} ${where}: it is a share of the target sparsity, 0 to 1`,
    );
    run.pruning.kernels.forEach((kernel, i) => {
      const previous = before[i] as Choice;
      if (selectsAt(here, step)) {
        const limit = blocksToKeep(kernel.grid.blocks, defaultTarget.sparsity * share);
        ensureAllowed(
          kernel,
          previous,
          phase,
          pruner.search.final === 'learned' ? kernel.grid.blocks : limit,
          where,
        );
      } else {
        ensure(
          same(kernel.chosen, previous.chosen),
          `The choice of ${kernel.name} changes ${where}, which does not select there`,
        );
      }
      const mask = phase.others === 'active' ? kernel.chosen.map(() => 1) : kernel.chosen;
      ensure(same(kernel.mask, mask), `The mask of ${kernel.name} is not what was chosen ${where}`);
      const effective = effectiveValues(kernel);
      const expected = masked(kernel, effective, kernel.mask);
      ensure(
        effective.every((value, j) => value === expected[j]),
        `${kernel.name} computes with a weight outside of its mask ${where}`,
      );
    });
    before = run.pruning.kernels.map(({ chosen, mask }) => ({ chosen: chosen.slice(), mask: mask.slice() }));
    await trainStep(run, step);
  }
  await run.pruning.finalize();
});

function ensureAllowed(
  { name, chosen, grid }: KernelState,
  previous: Choice,
  phase: Phase,
  limit: number,
  where: string,
): void {
  ensure(
    chosen.every((bit) => bit === 0 || bit === 1),
    `The choice of ${name} ${where} holds ${chosen.find((bit) => bit > 1)}: a mask has one byte a block, 0 or 1`,
  );
  ensure(
    keptBlocks(chosen) <= limit,
    `${keptBlocks(chosen)} of ${grid.blocks} blocks of ${name} are chosen ${where}, where its curve allows ${limit}`,
  );
  // Where fewer are chosen than the phase is to have, what was active fills up.
  const kept = keptBlocks(previous.chosen) < limit ? previous.mask : previous.chosen;
  const candidates = phase.candidates === 'kept' ? kept : keepAll(grid.blocks);
  if (!phase.choose) {
    const expected = Math.min(limit, keptBlocks(candidates));
    ensure(
      keptBlocks(chosen) === expected,
      `${keptBlocks(chosen)} blocks of ${name} are chosen ${where}, not ${expected}`,
    );
  }
  const revived = chosen.findIndex((bit, block) => bit > (candidates[block] as number));
  ensure(
    revived === -1,
    `Block ${revived} of ${name} comes back ${where}, which only takes blocks that were chosen already`,
  );
}

function same(a: BlockMask, b: BlockMask): boolean {
  return a.every((bit, i) => bit === b[i]);
}
