/** A matrix cut into blocks, smaller at the ragged edges. */
import { type Node, Tape } from './tape.js';

export interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly blocks: number;
  /** The block that each weight is in, both counted row by row. */
  readonly blockOf: readonly number[];
  /** How many weights each block has. */
  readonly sizes: readonly number[];
  /** How many weights a whole block has. */
  readonly wholeSize: number;
}

type Shape = readonly [rows: number, columns: number];

export function cut([n, m]: Shape, [blockRows, blockColumns]: Shape): Grid {
  const rows = Math.ceil(n / blockRows);
  const columns = Math.ceil(m / blockColumns);
  const blockOf = Array.from(
    { length: n * m },
    (_, i) => Math.floor(Math.floor(i / m) / blockRows) * columns + Math.floor((i % m) / blockColumns),
  );
  const sizes = new Array<number>(rows * columns).fill(0);
  for (const block of blockOf) sizes[block]++;
  return { rows, columns, blocks: rows * columns, blockOf, sizes, wholeSize: blockRows * blockColumns };
}

/** `Σ w²` of each block. */
function squares({ blocks, blockOf }: Grid, values: ArrayLike<number>): number[] {
  const sums = new Array<number>(blocks).fill(0);
  blockOf.forEach((block, i) => (sums[block] += values[i] ** 2));
  return sums;
}

/**
 * The root of the mean of w² over the weights that a block has: what blocks are compared by, so that a partial one at
 * the edge does not count for less.
 */
export function rootMeanSquares(grid: Grid, values: ArrayLike<number>): number[] {
  return squares(grid, values).map((sum, block) => Math.sqrt(sum / grid.sizes[block]));
}

/**
 * `‖W_b‖_F` of each block; of a partial one, that of a whole block with the same mean of w², as group LASSO has it whose
 * groups weigh by the root of their size (Yuan & Lin 2006, §3).
 */
export function norms(grid: Grid, values: ArrayLike<number>): number[] {
  return rootMeanSquares(grid, values).map((root) => root * Math.sqrt(grid.wholeSize));
}

/** The same on the tape. */
export function normsOf(
  tape: Tape,
  { blocks, blockOf, sizes, wholeSize }: Grid,
  nodes: readonly Node[],
): Node[] {
  const members = Array.from({ length: blocks }, (): Node[] => []);
  blockOf.forEach((block, i) => members[block].push(nodes[i]));
  return members.map((own, block) => tape.sqrt(tape.times(wholeSize / sizes[block], tape.dot(own, own))));
}

/** Every weight times the number of its block. */
export function scaled(
  tape: Tape,
  { blockOf }: Grid,
  nodes: readonly Node[],
  scale: readonly Node[],
): Node[] {
  return nodes.map((node, i) => tape.mul(node, scale[blockOf[i]]));
}
