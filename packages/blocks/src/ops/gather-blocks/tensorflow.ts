/** `GatherBlocks` and `ScatterBlocks`, in one pass, or both as gathers of rows: TensorFlow scatters far more slowly. */
import type { Handle, TensorflowRun } from '../../backends/tensorflow/kernel.js';
import { hasNativeKernels, nativeGather, nativeScatter } from '../../backends/tensorflow/native.js';
import { reshape, zeros } from '../../backends/tensorflow/ops.js';
import { keptUnits, spreadUnits } from '../../backends/tensorflow/units.js';
import type { PatternAttribute } from '../../pattern.js';

/** matrix `[n, m]` → values `[size]`. */
function gatherBlocks(
  run: TensorflowRun,
  { matrix }: Readonly<Record<'matrix', Handle>>,
  { pattern }: PatternAttribute,
): Handle {
  if (hasNativeKernels(run, pattern.blockShape)) return nativeGather(run, matrix, pattern);
  return reshape(run, keptUnits(run, matrix, pattern), [pattern.size]);
}

/** values `[size]` → matrix `[n, m]`. */
function scatterBlocks(
  run: TensorflowRun,
  { values }: Readonly<Record<'values', Handle>>,
  { pattern }: PatternAttribute,
): Handle {
  if (hasNativeKernels(run, pattern.blockShape)) return nativeScatter(run, values, pattern);
  return pattern.blocks === 0 ? zeros(run, pattern.matrixShape) : spreadUnits(run, values, pattern);
}

export const kernels = { GatherBlocks: gatherBlocks, ScatterBlocks: scatterBlocks };
