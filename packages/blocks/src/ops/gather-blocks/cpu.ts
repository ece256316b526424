/** `GatherBlocks` and `ScatterBlocks`, written out as loops. */
import type { CpuTensor } from '../../backends/cpu/kernel.js';
import { denseOf, valuesOf } from '../../conversion.js';
import type { PatternAttribute } from '../../pattern.js';

type Inputs<Names extends string> = Readonly<Record<Names, CpuTensor>>;

/** matrix `[n, m]` → values `[size]`. */
function gatherBlocks({ matrix }: Inputs<'matrix'>, { pattern }: PatternAttribute): CpuTensor {
  return { shape: [pattern.size], values: valuesOf(matrix.values, pattern) };
}

/** values `[size]` → matrix `[n, m]`. */
function scatterBlocks({ values }: Inputs<'values'>, { pattern }: PatternAttribute): CpuTensor {
  return { shape: pattern.matrixShape, values: denseOf(values.values, pattern) };
}

export const kernels = { GatherBlocks: gatherBlocks, ScatterBlocks: scatterBlocks };
