/**
 * Kept blocks as rows that lie side by side in the matrix as among the values: a gather of rows is fifty times as fast as
 * one of numbers. A unit is a row of a block; where blocks at the right edge are narrower, the longest part of it that
 * divides all.
 */
import { blocksOfPattern } from '../../pattern-blocks.js';
import type { BlockPattern } from '../../pattern.js';
import type { Handle, Table, TensorflowRun } from './kernel.js';
import { concat, gather, reshape, sum, sumByNumber } from './ops.js';

/** Numbers in a unit. */
export function unitOf({ matrixShape: [, m], blockShape: [, across] }: BlockPattern): number {
  return greatestCommonDivisor(across, m);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/** Visits every unit of the values, in order: its place in the matrix, and its block's in the grid. */
function eachUnit(pattern: BlockPattern, visit: (inMatrix: number, block: number) => void): void {
  const unit = unitOf(pattern);
  const [, m] = pattern.matrixShape;
  for (const { row, column, top, left, height, width } of blocksOfPattern(pattern)) {
    const block = row * pattern.grid.gridShape[1] + column;
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j += unit) visit(((top + i) * m + left + j) / unit, block);
    }
  }
}

/** Of each unit of the values its place in the matrix, `[units]`. */
function placesInMatrix(pattern: BlockPattern): Table {
  const places: number[] = [];
  eachUnit(pattern, (place) => places.push(place));
  return { values: Int32Array.from(places), shape: [places.length] };
}

/** Of each unit of the matrix its place among the values, `[n, m / unit]`; that after the last where it is pruned. */
function placesInValues(pattern: BlockPattern): Table {
  const unit = unitOf(pattern);
  const [n, m] = pattern.matrixShape;
  const values = new Int32Array((n * m) / unit).fill(pattern.size / unit);
  let at = 0;
  eachUnit(pattern, (place) => (values[place] = at++));
  return { values, shape: [n, m / unit] };
}

/** Of each unit of the values its block in the grid, `[units]`. */
function blocksOfUnits(pattern: BlockPattern): Table {
  const blocks: number[] = [];
  eachUnit(pattern, (_, block) => blocks.push(block));
  return { values: Int32Array.from(blocks), shape: [blocks.length] };
}

/** matrix `[n, m]` → the units of the kept blocks, `[units, unit]`. */
export function keptUnits(run: TensorflowRun, matrix: Handle, pattern: BlockPattern): Handle {
  const rows = asUnits(run, matrix, unitOf(pattern));
  return gather(
    run,
    rows,
    run.table(pattern, 'in matrix', () => placesInMatrix(pattern)),
  );
}

/** Units `[units, unit]` → the matrix `[n, m]` that has them at the kept blocks, and zeros elsewhere. */
export function spreadUnits(run: TensorflowRun, units: Handle, pattern: BlockPattern): Handle {
  const places = run.table(pattern, 'in values', () => placesInValues(pattern));
  return reshape(run, gather(run, withZeroUnit(run, units, unitOf(pattern)), places), pattern.matrixShape);
}

/** Values, or units of them, and after the last a unit of zeros: `[units + 1, unit]`. */
export function withZeroUnit(run: TensorflowRun, values: Handle, unit: number): Handle {
  const zero = run.floats(new Float32Array(unit), values.shape.length === 1 ? [unit] : [1, unit]);
  return asUnits(run, concat(run, [values, zero]), unit);
}

export function asUnits(run: TensorflowRun, x: Handle, unit: number): Handle {
  return reshape(run, x, [sizeOf(x) / unit, unit]);
}

/** Numbers of blocks, `[R, C]` → the one of each unit's block, `[units, 1]`. */
export function ofEachUnit(run: TensorflowRun, numbers: Handle, pattern: BlockPattern): Handle {
  const blocks = run.table(pattern, 'block', () => blocksOfUnits(pattern));
  return gather(run, reshape(run, numbers, [pattern.grid.blocks, 1]), blocks);
}

/** Units `[units, unit]` → their sums over each block, `[R, C]`; 0 of what is pruned. */
export function sumOverBlocks(run: TensorflowRun, units: Handle, pattern: BlockPattern): Handle {
  const blocks = run.table(pattern, 'block', () => blocksOfUnits(pattern));
  const sums = sumByNumber(run, sum(run, units, [1]), blocks, pattern.grid.blocks);
  return reshape(run, sums, pattern.grid.gridShape);
}

function sizeOf({ shape }: Handle): number {
  return shape.reduce((size, length) => size * length, 1);
}
