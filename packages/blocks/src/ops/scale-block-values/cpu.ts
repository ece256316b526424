/** `ScaleBlockValues` and `BlockValuesDot`, written out as loops. */
import type { CpuTensor } from '../../backends/cpu/kernel.js';
import { eachWeight } from '../../pattern-blocks.js';
import type { PatternAttribute } from '../../pattern.js';

type Inputs<Names extends string> = Readonly<Record<Names, CpuTensor>>;

/** values `[size]`, scale `[R, C]` → `[size]`; a block of factor zero is zero, whatever it held. */
function scaleBlockValues(
  { values, scale }: Inputs<'values' | 'scale'>,
  { pattern }: PatternAttribute,
): CpuTensor {
  const scaled = new Float32Array(pattern.size);
  eachWeight(pattern, (value, _, block) => {
    const factor = scale.values[block]!;
    scaled[value] = factor === 0 ? 0 : values.values[value]! * factor;
  });
  return { shape: [pattern.size], values: scaled };
}

/** a, b `[size]` → `[R, C]`. */
function blockValuesDot({ a, b }: Inputs<'a' | 'b'>, { pattern }: PatternAttribute): CpuTensor {
  const sums = new Float64Array(pattern.grid.blocks);
  eachWeight(pattern, (value, _, block) => (sums[block]! += a.values[value]! * b.values[value]!));
  return { shape: pattern.grid.gridShape, values: Float32Array.from(sums) };
}

export const kernels = { ScaleBlockValues: scaleBlockValues, BlockValuesDot: blockValuesDot };
