/** `GatherBlocks` and `ScatterBlocks`, in one pass, or both as gathers of rows: TensorFlow scatters far more slowly. */
import { gatherKept, isWorthSettingApart, scatteredWhenRead } from '../../backends/tensorflow/kept-apart.js';
import type { Handle, TensorflowRun } from '../../backends/tensorflow/kernel.js';
import { hasNativeKernels, nativeScatter } from '../../backends/tensorflow/native.js';
import { reshape, zeros } from '../../backends/tensorflow/ops.js';
import { keptUnits, spreadUnits } from '../../backends/tensorflow/units.js';
import type { PatternAttribute } from '../../pattern.js';
import type { MaskAttribute } from '../../training-mask.js';

/** matrix `[n, m]` → values `[size]`. */
function gatherBlocks(
  run: TensorflowRun,
  { matrix }: Readonly<Record<'matrix', Handle>>,
  { pattern }: PatternAttribute,
): Handle {
  if (hasNativeKernels(run, pattern.blockShape)) return gatherKept(run, matrix, pattern);
  return reshape(run, keptUnits(run, matrix, pattern), [pattern.size]);
}

/** values `[size]` → matrix `[n, m]`; of the mask of a training the values are all that its step may want. */
function scatterBlocks(
  run: TensorflowRun,
  { values }: Readonly<Record<'values', Handle>>,
  { pattern, mask }: PatternAttribute & Partial<MaskAttribute>,
): Handle {
  if (hasNativeKernels(run, pattern.blockShape)) {
    const make = mask && isWorthSettingApart(run, mask) ? scatteredWhenRead : nativeScatter;
    return make(run, values, pattern);
  }
  return pattern.blocks === 0 ? zeros(run, pattern.matrixShape) : spreadUnits(run, values, pattern);
}

export const kernels = { GatherBlocks: gatherBlocks, ScatterBlocks: scatterBlocks };
