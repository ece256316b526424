/** `KeepBlocks`: the kept rows gathered, and gathered back among zeros. */
import type { Handle, TensorflowRun } from '../../backends/tensorflow/kernel.js';
import { blockRegion } from '../../backends/tensorflow/region.js';
import type { MaskAttribute } from '../../training-mask.js';

/** matrix `[n, m]` → `[n, m]`, zeros at the pruned blocks. */
function keepBlocks(
  run: TensorflowRun,
  { matrix }: Readonly<Record<'matrix', Handle>>,
  { mask }: MaskAttribute,
): Handle {
  const region = blockRegion(run, mask);
  return region.put(region.masked(region.take(matrix)));
}

export const kernels = { KeepBlocks: keepBlocks };
