/** `KeepBlocks`: in one pass, or the kept rows gathered, and gathered back among zeros. */
import { gatherKept, isWorthSettingApart, scatteredWhenRead } from '../../backends/tensorflow/kept-apart.js';
import type { Handle, TensorflowRun } from '../../backends/tensorflow/kernel.js';
import { hasNativeKernels, nativeScale } from '../../backends/tensorflow/native.js';
import { keptBlocks, keptRegion } from '../../backends/tensorflow/region.js';
import type { MaskAttribute } from '../../training-mask.js';

/** matrix `[n, m]` → `[n, m]`, zeros at the pruned blocks. */
function keepBlocks(
  run: TensorflowRun,
  { matrix }: Readonly<Record<'matrix', Handle>>,
  { mask }: MaskAttribute,
): Handle {
  if (mask.keepsAll) return matrix;
  // Forward, and back.
  if (isWorthSettingApart(run, mask, 2)) {
    const { pattern } = mask;
    return scatteredWhenRead(run, gatherKept(run, matrix, pattern), pattern);
  }
  if (hasNativeKernels(run, mask.grid.blockShape)) {
    return nativeScale(run, matrix, keptBlocks(run, mask), mask.grid);
  }
  const region = keptRegion(run, mask);
  return region.put(region.masked(region.take(matrix)));
}

export const kernels = { KeepBlocks: keepBlocks };
