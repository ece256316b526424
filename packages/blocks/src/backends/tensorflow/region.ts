/** What ops on the blocks of a matrix go through: the units of the kept blocks alone, or all of the matrix. */
import { blockGrid, type BlockGrid } from '../../grid.js';
import type { BlockPattern } from '../../pattern.js';
import type { TrainingMask } from '../../training-mask.js';
import type { Handle, TensorflowRun } from './kernel.js';
import { gather, multiply, padBehind, reshape, scale, sum } from './ops.js';
import { keptUnits, ofEachUnit, spreadUnits, sumOverBlocks, unitOf } from './units.js';

/** The weights that are gone through, as one tensor in the region's own shape, and back. */
export interface Region {
  /** matrix `[n, m]` → its weights in the region. */
  take(matrix: Handle): Handle;
  /** Weights of the region, zero at pruned blocks → the matrix `[n, m]` that has them. */
  put(weights: Handle): Handle;
  /** Weights times the numbers of their blocks, `[R, C]`; 0 where a number is 0 or a block pruned, whatever it held. */
  scaled(weights: Handle, numbers: Handle): Handle;
  /** 0 at pruned blocks. */
  masked(weights: Handle): Handle;
  /** Sums over each block, `[R, C]`; 0 of pruned ones. */
  sums(weights: Handle): Handle;
  /** Sums of products over each block, `[R, C]`; 0 of pruned ones. */
  dots(a: Handle, b: Handle): Handle;
}

/** Numbers that a gather has to take at a time, and the share of all at most, for it to be faster than a pass over all. */
const LONG_UNIT = 8;
const FEW = 0.25;

/** Of the blocks that a mask keeps. */
export function keptRegion(run: TensorflowRun, mask: TrainingMask): Region {
  const { grid, keepsAll } = mask;
  if (keepsAll) return wholeRegion(run, grid);
  const { pattern } = mask;
  const isLong = unitOf(pattern) >= Math.min(LONG_UNIT, pattern.blockShape[1]);
  if (isLong && pattern.size <= FEW * grid.matrixShape[0] * grid.matrixShape[1]) {
    return {
      take: (matrix) => keptUnits(run, matrix, pattern),
      put: (units) => spreadUnits(run, units, pattern),
      scaled: (units, numbers) => scale(run, units, ofEachUnit(run, numbers, pattern)),
      masked: (units) => units,
      sums: (units) => sumOverBlocks(run, units, pattern),
      dots: (a, b) => sumOverBlocks(run, multiply(run, a, b), pattern),
    };
  }
  const whole = wholeRegion(run, grid);
  const kept = keptNumbers(run, pattern);
  return {
    ...whole,
    scaled: (weights, numbers) => whole.scaled(weights, scale(run, numbers, kept)),
    masked: (weights) => whole.scaled(weights, kept),
    sums: (weights) => scale(run, whole.sums(weights), kept),
    dots: (a, b) => scale(run, whole.dots(a, b), kept),
  };
}

/** 1 for each block that a mask keeps, `[R, C]`. */
export function keptBlocks(run: TensorflowRun, mask: TrainingMask): Handle {
  const { grid, keepsAll } = mask;
  if (!keepsAll) return keptNumbers(run, mask.pattern);
  return run.kept(mask, 'all', () => run.floats(new Float32Array(grid.blocks).fill(1), grid.gridShape));
}

/** Numbers of blocks, `[R, C]`, and 0 for those that a mask prunes. */
export function ofKept(run: TensorflowRun, mask: TrainingMask, numbers: Handle): Handle {
  return mask.keepsAll ? numbers : scale(run, numbers, keptBlocks(run, mask));
}

function keptNumbers(run: TensorflowRun, pattern: BlockPattern): Handle {
  return run.kept(pattern, 'mask', () =>
    run.floats(Float32Array.from(pattern.mask()), pattern.grid.gridShape),
  );
}

/** Of all blocks. */
export function wholeRegion(run: TensorflowRun, { matrixShape, blockShape, gridShape }: BlockGrid): Region {
  const [n, m] = matrixShape;
  const [height, across] = blockShape;
  const [rows, columns] = gridShape;
  const [below, right] = [rows * height - n, columns * across - m];
  // Rows first: both sums are over what lies side by side.
  const sumsOf = (whole: Handle) => {
    const ofRows = sum(run, reshape(run, whole, [rows * height * columns, across]), [1]);
    return sum(run, reshape(run, ofRows, [rows, height, columns]), [1]);
  };
  const masked = (weights: Handle) => weights;
  if (below === 0 && right === 0) {
    return {
      take: (matrix) => reshape(run, matrix, [rows, height, columns, across]),
      put: (weights) => reshape(run, weights, matrixShape),
      scaled: (weights, numbers) => scale(run, weights, reshape(run, numbers, [rows, 1, columns, 1])),
      masked,
      sums: sumsOf,
      dots: (a, b) => sumsOf(multiply(run, a, b)),
    };
  }
  const blocksAlong = (length: number, side: number) =>
    run.integers(Int32Array.from({ length }, (_, at) => Math.floor(at / side)));
  const spread = (numbers: Handle) =>
    gather(run, gather(run, numbers, blocksAlong(n, height)), blocksAlong(m, across), 1);
  return {
    take: (matrix) => matrix,
    put: (weights) => weights,
    scaled: (weights, numbers) => scale(run, weights, spread(numbers)),
    masked,
    sums: (weights) => sumsOf(padBehind(run, weights, [below, right])),
    dots: (a, b) => sumsOf(padBehind(run, multiply(run, a, b), [below, right])),
  };
}

export function gridOf({ shape }: Handle, blockShape: BlockGrid['blockShape']): BlockGrid {
  return blockGrid([shape[0]!, shape[1]!], blockShape);
}
