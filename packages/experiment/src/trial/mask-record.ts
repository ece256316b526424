/** What is kept of a trial's masks, once it has ended. */
import { nonZeroBlocks, type KernelState } from '@espalier/core';
import type { WorkloadData } from '@espalier/workloads';

import { packMask, type MaskBits, type MaskRecord } from './masks.js';
import type { SearchState } from './search-watch.js';

/** @param kernels that were finalized: their variables hold the weights that the model computes with */
export async function finalMasks(kernels: readonly KernelState[]): Promise<MaskBits[]> {
  return Promise.all(
    kernels.map(async ({ variable, grid }) => packMask(nonZeroBlocks(await variable.data(), grid))),
  );
}

/** @param final null where training diverged */
export function maskRecord(
  kernels: readonly KernelState[],
  { choices, masks }: SearchState,
  truth: WorkloadData['truth'],
  final: readonly MaskBits[] | null,
): MaskRecord {
  return {
    kernels: kernels.map(({ name, grid }) => {
      const weights = truth?.[name];
      const { blockShape, gridShape } = grid;
      return {
        ...{ name, blockShape, gridShape },
        ...(weights && { truth: packMask(nonZeroBlocks(weights, grid)) }),
      };
    }),
    ...{ made: choices.length, choices: masks, final },
  };
}
