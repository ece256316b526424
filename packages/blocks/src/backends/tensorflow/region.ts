/** What ops on the blocks of a matrix go through: the units of the kept blocks alone, or all of the matrix. */
import { blockGrid, type BlockGrid } from '../../grid.js';
import type { TrainingMask } from '../../training-mask.js';
import type { Handle, TensorflowRun } from './kernel.js';
import { gather, padBehind, reshape, scale, sum } from './ops.js';
import { keptUnits, ofEachUnit, spreadUnits, sumOverBlocks, unitOf } from './units.js';

/** The weights that are gone through, as one tensor in the region's own shape, and back. */
export interface Region {
  /** matrix `[n, m]` → its weights in the region. */
  take(matrix: Handle): Handle;
  /** Weights of the region → the matrix `[n, m]` that has them, zeros at pruned blocks. */
  put(weights: Handle): Handle;
  /** Numbers of blocks, `[R, C]` → each at the weights of its block, to be multiplied by. */
  spread(numbers: Handle): Handle;
  /** Sums over each block, `[R, C]`; 0 of pruned ones. */
  sums(weights: Handle): Handle;
}

/** Numbers that a gather has to take at a time, for it to be faster than a pass over the whole matrix. */
const LONG_UNIT = 8;

/** Of the blocks that a mask keeps. */
export function keptRegion(run: TensorflowRun, mask: TrainingMask): Region {
  if (mask.keepsAll) return wholeRegion(run, mask.grid);
  const { pattern } = mask;
  if (unitOf(pattern) >= Math.min(LONG_UNIT, pattern.blockShape[1])) {
    return {
      take: (matrix) => keptUnits(run, matrix, pattern),
      put: (units) => spreadUnits(run, units, pattern),
      spread: (numbers) => ofEachUnit(run, numbers, pattern),
      sums: (units) => sumOverBlocks(run, units, pattern),
    };
  }
  const whole = wholeRegion(run, mask.grid);
  const kept = run.kept(pattern, 'mask', () =>
    run.floats(Float32Array.from(pattern.mask()), mask.grid.gridShape),
  );
  return {
    ...whole,
    put: (weights) => whole.put(scale(run, weights, whole.spread(kept))),
    sums: (weights) => scale(run, whole.sums(weights), kept),
  };
}

/** Of all blocks. */
export function wholeRegion(run: TensorflowRun, { matrixShape, blockShape, gridShape }: BlockGrid): Region {
  const [n, m] = matrixShape;
  const [height, across] = blockShape;
  const [rows, columns] = gridShape;
  const [below, right] = [rows * height - n, columns * across - m];
  // Rows first: both sums are over what lies side by side.
  const sumsOf = (whole: Handle) =>
    sum(
      run,
      reshape(run, sum(run, reshape(run, whole, [rows * height * columns, across]), [1]), [
        rows,
        height,
        columns,
      ]),
      [1],
    );
  if (below === 0 && right === 0) {
    return {
      take: (matrix) => reshape(run, matrix, [rows, height, columns, across]),
      put: (weights) => reshape(run, weights, matrixShape),
      spread: (numbers) => reshape(run, numbers, [rows, 1, columns, 1]),
      sums: sumsOf,
    };
  }
  const blocksAlong = (length: number, side: number) =>
    run.integers(Int32Array.from({ length }, (_, at) => Math.floor(at / side)));
  return {
    take: (matrix) => matrix,
    put: (weights) => weights,
    spread: (numbers) => gather(run, gather(run, numbers, blocksAlong(n, height)), blocksAlong(m, across), 1),
    sums: (weights) => sumsOf(padBehind(run, weights, [below, right])),
  };
}

export function gridOf({ shape }: Handle, blockShape: BlockGrid['blockShape']): BlockGrid {
  return blockGrid([shape[0]!, shape[1]!], blockShape);
}
