/**
 * A product over kept blocks as few dense ones. A line is a column of blocks (a row of them, for the transposed kernel):
 * the rows of xᵀ that meet its blocks, one below the other, times those blocks. Lines that keep about as many blocks are
 * taken in one batch, padded by zeros to the most of the batch.
 */
import type { BlockPattern } from '../../pattern.js';

/** Lines that are computed in one batch. */
export interface LineBatch {
  /** Which lines, ascending. */
  readonly lines: readonly number[];
  /** How many blocks each of them is padded to. */
  readonly length: number;
}

/** One line: the other coordinate of its kept blocks, and their places in storage. */
export interface Line {
  readonly partners: Int32Array;
  readonly places: Int32Array;
}

export function linesOf(pattern: BlockPattern, transposed: boolean): Line[] {
  const { pointers, indices, order } = transposed ? rowView(pattern) : pattern.columns();
  return Array.from({ length: pointers.length - 1 }, (_, line) => {
    const [from, to] = [pointers[line]!, pointers[line + 1]!];
    return { partners: indices.subarray(from, to), places: order.subarray(from, to) };
  });
}

function rowView({ pointers, indices }: BlockPattern) {
  return { pointers, indices, order: Int32Array.from(indices, (_, at) => at) };
}

/** In microseconds. */
export interface LineCosts {
  /** A block, kept or a padding. */
  readonly perBlock: number;
  /** What a batch takes beside its blocks. */
  readonly perBatch: number;
}

/**
 * The batches that cost least; lines without a block are in one of them.
 *
 * @param most blocks of a batch: one that would have more is cut
 */
export function batchesOf(
  lengths: readonly number[],
  { perBlock, perBatch }: LineCosts,
  most: number,
): LineBatch[] {
  const sorted = [...new Set(lengths)].sort((a, b) => a - b);
  const counts = sorted.map((length) => lengths.filter((other) => other === length).length);
  // Of the shorter lengths, up to each: what they cost, and the length at which their last batch begins.
  const best: { cost: number; first: number }[] = [];
  for (let last = 0; last < sorted.length; last++) {
    let count = 0;
    let found = { cost: Infinity, first: last };
    for (let first = last; first >= 0; first--) {
      count += counts[first]!;
      const cost = (best[first - 1]?.cost ?? 0) + perBatch + count * blocksAt(sorted[last]!) * perBlock;
      if (cost < found.cost) found = { cost, first };
    }
    best.push(found);
  }
  const batches: LineBatch[] = [];
  for (let last = sorted.length - 1; last >= 0; last = best[last]!.first - 1) {
    const length = blocksAt(sorted[last]!);
    const [low, high] = [sorted[best[last]!.first]!, sorted[last]!];
    const lines = lengths.flatMap((own, line) => (own >= low && own <= high ? [line] : []));
    const atOnce = Math.max(1, Math.floor(most / length));
    for (let at = 0; at < lines.length; at += atOnce) {
      batches.push({ lines: lines.slice(at, at + atOnce), length });
    }
  }
  return batches;
}

/** A line without a block is one of zeros. */
function blocksAt(length: number): number {
  return Math.max(1, length);
}
