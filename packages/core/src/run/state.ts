/** Where a run stands beside its variables, as plain data: to be stored, and to go on from after an interruption. */
import type { BlockMask } from '@espalier/blocks';

import type { KernelState } from './kernel-state.js';

export interface PruningState {
  /** Steps done. */
  readonly step: number;
  /** Of each kernel, by name, the indices of the blocks that were chosen last. */
  readonly masks: Readonly<Record<string, readonly number[]>>;
  /**
   * Of each kernel, by name, the density that the scores of the latest choice gave it. Only where the allocation goes by
   * scores: else it follows from the target.
   */
  readonly densities?: Readonly<Record<string, number>>;
}

/** @param byScore whether the allocation goes by scores */
export function stateOf(step: number, kernels: readonly KernelState[], byScore: boolean): PruningState {
  const chosenBlocks = ({ chosen }: KernelState) => Array.from(chosen.keys()).filter((b) => chosen[b]);
  return {
    step,
    masks: Object.fromEntries(kernels.map((kernel) => [kernel.name, chosenBlocks(kernel)])),
    ...(byScore && { densities: Object.fromEntries(kernels.map(({ name, density }) => [name, density])) }),
  };
}

/** @throws RangeError unless it is a step of a run of `totalSteps` */
export function assertStep(step: number, totalSteps: number): void {
  if (Number.isInteger(step) && step >= 0 && step <= totalSteps) return;
  throw new RangeError(`A state at step ${step} is not of a run of ${totalSteps} steps`);
}

/** @throws RangeError for a state of other kernels */
export function masksOf({ masks }: PruningState, kernels: readonly KernelState[]): BlockMask[] {
  return kernels.map(({ name, grid }) => {
    const kept = masks[name];
    if (!kept || kept.some((block) => !Number.isInteger(block) || block < 0 || block >= grid.blocks)) {
      throw new RangeError(`The state has no mask for the ${grid.blocks} blocks of ${name}`);
    }
    const mask = new Uint8Array(grid.blocks);
    for (const block of kept) mask[block] = 1;
    return mask;
  });
}

/**
 * The densities of the kernels; null where they follow from the target.
 *
 * @throws RangeError for a state under an allocation of another kind
 */
export function densitiesOf(
  { densities }: PruningState,
  kernels: readonly KernelState[],
  byScore: boolean,
): number[] | null {
  if (!byScore) {
    if (densities === undefined) return null;
    throw new RangeError(
      'The state is of a run whose allocation goes by scores, as that of this one does not',
    );
  }
  return kernels.map(({ name }) => {
    const density = densities?.[name];
    if (density !== undefined && density > 0 && density <= 1) return density;
    throw new RangeError(
      `The state has ${density === undefined ? 'no density' : `the density ${density}`} for ${name}: ` +
        'under an allocation by scores it needs one above 0 and at most 1',
    );
  });
}
