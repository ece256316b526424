/** The ops on the blocks of a matrix, written out as loops. */
import type { CpuTensor } from '../../backends/cpu/kernel.js';
import { blockGrid, type BlockGrid } from '../../grid.js';
import type { BlockAttributes } from './attributes.js';

type Inputs<Names extends string> = Readonly<Record<Names, CpuTensor>>;

/** matrix `[n, m]`, scale `[R, C]` → `[n, m]`; a block scaled by zero is zero, whatever it held. */
function scaleBlocks({ matrix, scale }: Inputs<'matrix' | 'scale'>, attributes: BlockAttributes): CpuTensor {
  const scaled = new Float32Array(matrix.values.length);
  eachWeight(gridOf(matrix, attributes), (weight, block) => {
    const factor = scale.values[block]!;
    scaled[weight] = factor === 0 ? 0 : matrix.values[weight]! * factor;
  });
  return { shape: matrix.shape, values: scaled };
}

/** a, b `[n, m]` → `[R, C]`. */
function blockDot({ a, b }: Inputs<'a' | 'b'>, attributes: BlockAttributes): CpuTensor {
  const grid = gridOf(a, attributes);
  const sums = new Float64Array(grid.blocks);
  eachWeight(grid, (weight, block) => (sums[block]! += a.values[weight]! * b.values[weight]!));
  return { shape: grid.gridShape, values: Float32Array.from(sums) };
}

/** dy, matrix `[n, m]`, scale `[R, C]` → `[n, m]` and `[R, C]`. */
function scaleBlocksGrad(
  { dy, matrix, scale }: Inputs<'dy' | 'matrix' | 'scale'>,
  attributes: BlockAttributes,
): CpuTensor[] {
  return [scaleBlocks({ matrix: dy, scale }, attributes), blockDot({ a: dy, b: matrix }, attributes)];
}

function gridOf({ shape }: CpuTensor, { blockShape }: BlockAttributes): BlockGrid {
  return blockGrid(shape as [number, number], blockShape);
}

/** Visits every weight of the matrix, with the place of its block in the grid. */
function eachWeight(
  { matrixShape: [n, m], blockShape, gridShape }: BlockGrid,
  visit: (weight: number, block: number) => void,
): void {
  for (let i = 0; i < n; i++) {
    const first = Math.floor(i / blockShape[0]) * gridShape[1];
    for (let j = 0; j < m; j++) visit(i * m + j, first + Math.floor(j / blockShape[1]));
  }
}

export const kernels = { ScaleBlocks: scaleBlocks, ScaleBlocksGrad: scaleBlocksGrad, BlockDot: blockDot };
