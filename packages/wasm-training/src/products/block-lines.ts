// A block-sparse product as dense ones, one a block column of its result: of the columns of x that meet the kept blocks of the
// block column, side by side in a panel, with those blocks, one below the other.

import { blocksOfPattern, type BlockPattern, type KeptBlock } from '@espalier/blocks';

/** One block column of a result. Parts are entries of the plan's `integers`: where they begin, in bytes, and how many. */
export interface BlockLine {
  /** Its first column of the result, and how many. */
  readonly first: number;
  readonly width: number;
  /** Columns of the panel of x. */
  readonly depth: number;
  /** What the panel is gathered from: (first column, length), or of patches (tap's row, tap's column, channel, length). */
  readonly inputs: Parts;
  /** Whether the panel is that of the line before. */
  readonly samePanel: boolean;
  /** The blocks' values: (start, size), or, where they are to be transposed, (start, width). */
  readonly blocks: Parts;
  /** Where its weights begin among those of all lines, in floats. */
  readonly packedAt: number;
}

interface Parts {
  readonly at: number;
  readonly count: number;
}

/** What a pattern means for a product, whatever the rows of x. */
export interface BlockPlan {
  readonly lines: readonly BlockLine[];
  /** The tables of all parts, to be copied into the backend's memory. */
  readonly integers: Int32Array;
  /** Weights of all lines, and so of their blocks. */
  readonly size: number;
  /** The deepest line, and the widest. */
  readonly depth: number;
  readonly width: number;
  /** Whether blocks are transposed as they are packed. */
  readonly transposed: boolean;
  /** Whether some columns of the result have no block. */
  readonly hasEmptyColumns: boolean;
}

/** Channels of an image, and columns of the filter: what makes a row of the filter's matrix a tap and a channel. */
export interface Taps {
  readonly channels: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
}

/** x · W: x is a matrix, or the patches of images. */
export function forwardPlan(pattern: BlockPattern, taps: Taps | null): BlockPlan {
  return remembered(pattern, `forward ${taps ? tapsKey(taps) : ''}`, () => {
    const inputsOf = ({ top, height }: KeptBlock) =>
      taps ? tapParts(top, height, taps) : [[top, height] as const];
    return planOf(pattern, {
      lineOf: ({ column }) => column,
      lineSpan: ({ left, width }) => [left, width],
      depthOf: ({ height }) => height,
      inputsOf,
      blockOf: ({ offset, height, width }) => [offset, height * width],
      columns: pattern.matrixShape[1],
      transposed: false,
    });
  });
}

/** dy · Wᵀ. */
export function transposedPlan(pattern: BlockPattern): BlockPlan {
  return remembered(pattern, 'transposed', () =>
    planOf(pattern, {
      lineOf: ({ row }) => row,
      lineSpan: ({ top, height }) => [top, height],
      depthOf: ({ width }) => width,
      inputsOf: ({ left, width }) => [[left, width]],
      blockOf: ({ offset, width }) => [offset, width],
      columns: pattern.matrixShape[0],
      transposed: true,
    }),
  );
}

/**
 * The gradient by the images as a convolution of dy with the filter turned by half a turn, its matrices transposed; null where
 * a block reaches over several taps, and so is no block of the turned filter.
 */
export function turnedPlan(pattern: BlockPattern, taps: Taps): BlockPlan | null {
  const { channels, filterHeight, filterWidth } = taps;
  if (channels % pattern.blockShape[0] !== 0) return null;
  return remembered(pattern, `turned ${tapsKey(taps)}`, () => {
    const channelOf = ({ top }: KeptBlock) => top % channels;
    return planOf(pattern, {
      lineOf: (block) => channelOf(block) / pattern.blockShape[0],
      lineSpan: (block) => [channelOf(block), block.height],
      depthOf: ({ width }) => width,
      inputsOf: ({ top, left, width }) => {
        const tap = filterHeight * filterWidth - 1 - Math.floor(top / channels);
        return [[Math.floor(tap / filterWidth), tap % filterWidth, left, width]];
      },
      blockOf: ({ offset, width }) => [offset, width],
      columns: channels,
      transposed: true,
    });
  });
}

interface Reading {
  readonly lineOf: (block: KeptBlock) => number;
  readonly lineSpan: (block: KeptBlock) => readonly [first: number, width: number];
  readonly depthOf: (block: KeptBlock) => number;
  readonly inputsOf: (block: KeptBlock) => readonly (readonly number[])[];
  readonly blockOf: (block: KeptBlock) => readonly [start: number, length: number];
  /** Of the result. */
  readonly columns: number;
  readonly transposed: boolean;
}

function planOf(pattern: BlockPattern, reading: Reading): BlockPlan {
  const byLine = new Map<number, KeptBlock[]>();
  for (const block of blocksOfPattern(pattern)) {
    assertInside(block, pattern);
    const line = reading.lineOf(block);
    const own = byLine.get(line);
    if (own) own.push(block);
    else byLine.set(line, [block]);
  }
  const integers: number[] = [];
  const lines: BlockLine[] = [];
  let size = 0;
  let before = '';
  for (const [, blocks] of [...byLine].sort(([a], [b]) => a - b)) {
    const [first, width] = reading.lineSpan(blocks[0]!);
    const depth = sum(blocks.map(reading.depthOf));
    const tables = joined(blocks.flatMap(reading.inputsOf));
    const panel = tables.join();
    const inputs = append(integers, tables);
    const own = append(integers, blocks.map(reading.blockOf));
    lines.push({ first, width, depth, inputs, samePanel: panel === before, blocks: own, packedAt: size });
    before = panel;
    size += depth * width;
  }
  return {
    lines,
    integers: Int32Array.from(integers),
    size,
    depth: Math.max(0, ...lines.map((line) => line.depth)),
    width: Math.max(0, ...lines.map((line) => line.width)),
    transposed: reading.transposed,
    hasEmptyColumns: sum(lines.map((line) => line.width)) < reading.columns,
  };
}

/** Parts of a matrix that follow one another are one. */
function joined(parts: (readonly number[])[]): (readonly number[])[] {
  const result: number[][] = [];
  for (const part of parts) {
    const last = result.at(-1);
    const [start, length] = [part.at(-2)!, part.at(-1)!];
    const follows =
      last !== undefined &&
      last.at(-2)! + last.at(-1)! === start &&
      part.slice(0, -2).every((at, i) => at === last[i]);
    if (follows) last[last.length - 1]! += length;
    else result.push([...part]);
  }
  return result;
}

/** Rows of the filter's matrix tap by tap. */
function tapParts(top: number, height: number, { channels, filterWidth }: Taps): number[][] {
  const parts: number[][] = [];
  for (let row = top; row < top + height;) {
    const tap = Math.floor(row / channels);
    const end = Math.min(top + height, (tap + 1) * channels);
    parts.push([Math.floor(tap / filterWidth), tap % filterWidth, row - tap * channels, end - row]);
    row = end;
  }
  return parts;
}

function append(integers: number[], parts: readonly (readonly number[])[]): Parts {
  const at = 4 * integers.length;
  for (const part of parts) integers.push(...part);
  return { at, count: parts.length };
}

/** @throws RangeError where somebody has written into the pattern's arrays: the kernels trust what they are told */
function assertInside({ row, column, offset, height, width }: KeptBlock, { grid, size }: BlockPattern): void {
  const [rows, columns] = grid.gridShape;
  if (
    row >= 0 &&
    row < rows &&
    column >= 0 &&
    column < columns &&
    offset >= 0 &&
    offset + height * width <= size
  )
    return;
  throw new RangeError(
    'A block pattern was written into: a block lies outside its matrix. Patterns are immutable',
  );
}

const plans = new WeakMap<BlockPattern, Map<string, BlockPlan>>();

/** Plans live as long as their pattern. */
function remembered(pattern: BlockPattern, key: string, make: () => BlockPlan): BlockPlan {
  let own = plans.get(pattern);
  if (!own) plans.set(pattern, (own = new Map()));
  let plan = own.get(key);
  if (!plan) own.set(key, (plan = make()));
  return plan;
}

function tapsKey({ channels, filterHeight, filterWidth }: Taps): string {
  return [channels, filterHeight, filterWidth].join();
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
