/** `ScaleBlockValues` and `BlockValuesDot`, in one pass, or row by row of the blocks. */
import type { Handle, TensorflowRun } from '../../backends/tensorflow/kernel.js';
import { hasNativeKernels, nativeScaleValues, nativeValueDots } from '../../backends/tensorflow/native.js';
import { multiply, reshape, scale } from '../../backends/tensorflow/ops.js';
import { asUnits, ofEachUnit, sumOverBlocks, unitOf } from '../../backends/tensorflow/units.js';
import type { PatternAttribute } from '../../pattern.js';

type Inputs<Names extends string> = Readonly<Record<Names, Handle>>;

/** values `[size]`, scale `[R, C]` → `[size]`; a block of factor zero is zero, whatever it held. */
function scaleBlockValues(
  run: TensorflowRun,
  { values, scale: factors }: Inputs<'values' | 'scale'>,
  { pattern }: PatternAttribute,
): Handle {
  if (hasNativeKernels(run, pattern.blockShape)) return nativeScaleValues(run, values, factors, pattern);
  const units = asUnits(run, values, unitOf(pattern));
  return reshape(run, scale(run, units, ofEachUnit(run, factors, pattern)), [pattern.size]);
}

/** a, b `[size]` → `[R, C]`. */
function blockValuesDot(
  run: TensorflowRun,
  { a, b }: Inputs<'a' | 'b'>,
  { pattern }: PatternAttribute,
): Handle {
  if (hasNativeKernels(run, pattern.blockShape)) return nativeValueDots(run, a, b, pattern);
  return sumOverBlocks(run, asUnits(run, multiply(run, a, b), unitOf(pattern)), pattern);
}

export const kernels = { ScaleBlockValues: scaleBlockValues, BlockValuesDot: blockValuesDot };
