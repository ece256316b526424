/** The ops on the blocks of a matrix: in one pass, or by a broadcast product and sums. */
import type { Handle, TensorflowRun } from '../../backends/tensorflow/kernel.js';
import { hasNativeKernels, nativeDots, nativeScale } from '../../backends/tensorflow/native.js';
import { gridOf, wholeRegion } from '../../backends/tensorflow/region.js';
import type { BlockAttributes } from './attributes.js';

type Inputs<Names extends string> = Readonly<Record<Names, Handle>>;

/** matrix `[n, m]`, scale `[R, C]` → `[n, m]`; a block scaled by zero is zero, whatever it held. */
function scaleBlocks(
  run: TensorflowRun,
  { matrix, scale: factors }: Inputs<'matrix' | 'scale'>,
  { blockShape }: BlockAttributes,
): Handle {
  const grid = gridOf(matrix, blockShape);
  if (hasNativeKernels(run, blockShape)) return nativeScale(run, matrix, factors, grid);
  const region = wholeRegion(run, grid);
  return region.put(region.scaled(region.take(matrix), factors));
}

/** a, b `[n, m]` → `[R, C]`. */
function blockDot(run: TensorflowRun, { a, b }: Inputs<'a' | 'b'>, { blockShape }: BlockAttributes): Handle {
  const grid = gridOf(a, blockShape);
  if (!hasNativeKernels(run, blockShape)) return wholeRegion(run, grid).dots(a, b);
  return nativeDots(run, a, b, run.floats(new Float32Array(grid.blocks).fill(1), grid.gridShape), grid);
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
