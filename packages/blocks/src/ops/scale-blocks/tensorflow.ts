/** The ops on the blocks of a matrix, by one broadcast product and by sums. */
import type { Handle, TensorflowRun } from '../../backends/tensorflow/kernel.js';
import { multiply } from '../../backends/tensorflow/ops.js';
import { gridOf, wholeRegion } from '../../backends/tensorflow/region.js';
import type { BlockAttributes } from './attributes.js';

type Inputs<Names extends string> = Readonly<Record<Names, Handle>>;

/** matrix `[n, m]`, scale `[R, C]` → `[n, m]`; a block scaled by zero is zero, whatever it held. */
function scaleBlocks(
  run: TensorflowRun,
  { matrix, scale: factors }: Inputs<'matrix' | 'scale'>,
  { blockShape }: BlockAttributes,
): Handle {
  const region = wholeRegion(run, gridOf(matrix, blockShape));
  return region.put(region.scaled(region.take(matrix), factors));
}

/** a, b `[n, m]` → `[R, C]`. */
function blockDot(run: TensorflowRun, { a, b }: Inputs<'a' | 'b'>, { blockShape }: BlockAttributes): Handle {
  return wholeRegion(run, gridOf(a, blockShape)).sums(multiply(run, a, b));
}

/** dy, matrix `[n, m]`, scale `[R, C]` → `[n, m]` and `[R, C]`. */
function scaleBlocksGrad(
  run: TensorflowRun,
  { dy, matrix, scale: factors }: Inputs<'dy' | 'matrix' | 'scale'>,
  attributes: BlockAttributes,
): Handle[] {
  return [
    scaleBlocks(run, { matrix: dy, scale: factors }, attributes),
    blockDot(run, { a: dy, b: matrix }, attributes),
  ];
}

export const kernels = { ScaleBlocks: scaleBlocks, ScaleBlocksGrad: scaleBlocksGrad, BlockDot: blockDot };
