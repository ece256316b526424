/** `KeepBlocks`, written out as a loop. */
import type { CpuTensor } from '../../backends/cpu/kernel.js';
import { denseOf, valuesOf } from '../../conversion.js';
import type { MaskAttribute } from '../../training-mask.js';

/** matrix `[n, m]` → `[n, m]`, zeros at the pruned blocks. */
function keepBlocks({ matrix }: Readonly<Record<'matrix', CpuTensor>>, { mask }: MaskAttribute): CpuTensor {
  return { shape: matrix.shape, values: denseOf(valuesOf(matrix.values, mask.pattern), mask.pattern) };
}

export const kernels = { KeepBlocks: keepBlocks };
