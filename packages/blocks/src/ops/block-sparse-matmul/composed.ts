/**
 * The products by ops of tfjs, for backends that have no kernel of their own: panels of x gathered, and batched
 * dense products.
 *
 * A column of blocks of x·W is one dense product: the panels of x that meet its kept blocks, side by side, times
 * those blocks, one below the other. Columns that keep about as many blocks are taken in one batch, padded by blocks
 * of zeros to the most in the batch. A batch holds those that keep from more than half of that most, so that padding
 * at most doubles the work. Everything runs on transposed panels, `[blocks, Br, B]`, which need no rearranging.
 */
import * as tf from '@tensorflow/tfjs';

import { blocksOfPattern } from '../../pattern-blocks.js';
import { trimmedBlocks, wholeBlocks } from '../../pattern-tables.js';
import type { BlockPattern, PatternAttribute } from '../../pattern.js';
import type { MatMulAttributes } from './attributes.js';

type Named<Names extends string> = Readonly<Partial<Record<Names, tf.Tensor>>>;

/** BlockSparseMatMul: x `[B, n]` → `[B, m]`; transposed, `[B, m]` → `[B, n]`. */
export function product(
  { x, values, bias }: Named<'x' | 'values' | 'bias'>,
  { pattern, transposed, activation }: MatMulAttributes,
): tf.Tensor2D {
  const plain = plainProduct(x as tf.Tensor2D, values as tf.Tensor1D, pattern, transposed);
  const biased = bias ? plain.add<tf.Tensor2D>(bias) : plain;
  return activation === 'relu' ? biased.relu() : biased;
}

/** BlockSparseWeightGradient: x `[B, n]`, dy `[B, m]` → `[size]`. */
export function weightGradient({ x, dy }: Named<'x' | 'dy'>, { pattern }: PatternAttribute): tf.Tensor1D {
  if (pattern.blocks === 0 || x!.shape[0] === 0) return tf.zeros([pattern.size]);
  const [blockRows, blockColumns] = pattern.blockShape;
  const kept = [...blocksOfPattern(pattern)];
  const rows = panels(x as tf.Tensor2D, blockRows).gather(indices(kept.map(({ row }) => row)));
  const columns = panels(dy as tf.Tensor2D, blockColumns).gather(indices(kept.map(({ column }) => column)));
  return trimmedBlocks(tf.matMul(rows, columns, false, true) as tf.Tensor3D, pattern);
}

function plainProduct(
  x: tf.Tensor2D,
  values: tf.Tensor1D,
  pattern: BlockPattern,
  transposed: boolean,
): tf.Tensor2D {
  const [from, to] = transposed ? ([1, 0] as const) : ([0, 1] as const);
  const width = pattern.matrixShape[to];
  const batch = x.shape[0];
  if (pattern.blocks === 0 || batch === 0) return tf.zeros([batch, width]);

  const inputs = panels(x, pattern.blockShape[from]);
  const blocks = wholeBlocks(values, pattern);
  // What pads a batch: a block of zeros, after the last.
  const padded = blocks.pad<tf.Tensor3D>([
    [0, 1],
    [0, 0],
    [0, 0],
  ]);
  const batches = batchesOf(transposed ? rowsOf(pattern) : columnsOf(pattern), pattern.blocks);
  const outputs = batches.map((lines) => lineProducts(inputs, padded, pattern, lines, transposed));
  const empty = tf.zeros<tf.Rank.R3>([1, pattern.blockShape[to], batch]);
  const order = inverse(
    batches.flatMap(({ lines }) => lines),
    pattern.grid.gridShape[to],
  );
  const inOrder = tf.concat([...outputs, empty]).gather(indices(order));
  const whole = inOrder.reshape<tf.Tensor2D>([-1, batch]).transpose<tf.Tensor2D>();
  return whole.shape[1] === width ? whole : whole.slice([0, 0], [batch, width]);
}

/** Columns of blocks (rows, for the transposed product) that are computed in one batch. */
interface Batch {
  /** Which columns. */
  readonly lines: readonly number[];
  /** How many blocks each of them is padded to. */
  readonly length: number;
  /** The block row and the place in storage of each block, `lines × length`. */
  readonly partners: readonly number[];
  readonly places: readonly number[];
}

/** The products of a batch, transposed: `[lines, Bc, B]`. */
function lineProducts(
  inputs: tf.Tensor3D,
  blocks: tf.Tensor3D,
  { blockShape: [blockRows, blockColumns] }: BlockPattern,
  { lines, length, partners, places }: Batch,
  transposed: boolean,
): tf.Tensor3D {
  const [count, batch] = [lines.length, inputs.shape[2]];
  const gathered = inputs.gather(indices(partners)).reshape([count, -1, batch]);
  const own = blocks.gather(indices(places));
  if (!transposed) {
    const stacked = own.reshape([count, length * blockRows, blockColumns]);
    return tf.matMul(stacked, gathered, true, false) as tf.Tensor3D;
  }
  const beside = own.reshape([count, length, blockRows, blockColumns]).transpose([0, 2, 1, 3]);
  return tf.matMul(beside.reshape([count, blockRows, length * blockColumns]), gathered) as tf.Tensor3D;
}

/** x `[B, n]` as transposed panels `[R, Br, B]`, zeros beyond the edge. */
function panels(x: tf.Tensor2D, width: number): tf.Tensor3D {
  const [batch, n] = x.shape;
  const count = Math.ceil(n / width);
  const beyond = count * width - n;
  const turned = x.transpose<tf.Tensor2D>();
  const whole =
    beyond === 0
      ? turned
      : turned.pad([
          [0, beyond],
          [0, 0],
        ]);
  return whole.reshape([count, width, batch]);
}

/** One column or row of blocks: the other coordinate of its kept blocks, and their places in storage. */
interface Line {
  readonly partners: readonly number[];
  readonly places: readonly number[];
}

function columnsOf(pattern: BlockPattern): Line[] {
  const { pointers, indices: rows, order } = pattern.columns();
  return linesOf(
    pointers,
    (at) => rows[at]!,
    (at) => order[at]!,
  );
}

function rowsOf({ pointers, indices: columns }: BlockPattern): Line[] {
  return linesOf(
    pointers,
    (at) => columns[at]!,
    (at) => at,
  );
}

function linesOf(
  pointers: Int32Array,
  partner: (at: number) => number,
  place: (at: number) => number,
): Line[] {
  return Array.from({ length: pointers.length - 1 }, (_, line) => {
    const from = pointers[line]!;
    const each = Array.from({ length: pointers[line + 1]! - from }, (_, i) => from + i);
    return { partners: each.map(partner), places: each.map(place) };
  });
}

/** Lines of one order of magnitude (in powers of two) together; lines without a block in none. */
function batchesOf(lines: readonly Line[], zeroBlock: number): Batch[] {
  const batches = new Map<number, number[]>();
  lines.forEach(({ places }, line) => {
    if (places.length === 0) return;
    const magnitude = Math.ceil(Math.log2(places.length));
    batches.set(magnitude, [...(batches.get(magnitude) ?? []), line]);
  });
  return [...batches.values()].map((members) => {
    const length = Math.max(...members.map((line) => lines[line]!.places.length));
    const fill = (list: readonly number[], by: number) => [
      ...list,
      ...new Array<number>(length - list.length).fill(by),
    ];
    return {
      lines: members,
      length,
      partners: members.flatMap((line) => fill(lines[line]!.partners, 0)),
      places: members.flatMap((line) => fill(lines[line]!.places, zeroBlock)),
    };
  });
}

/** For each of `count` lines its place among those computed, or the place after the last. */
function inverse(computed: readonly number[], count: number): number[] {
  const places = new Array<number>(count).fill(computed.length);
  computed.forEach((line, place) => (places[line] = place));
  return places;
}

function indices(values: readonly number[]): tf.Tensor1D {
  return tf.tensor1d([...values], 'int32');
}
