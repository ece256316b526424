/** The kernels on kept blocks by ops of tfjs, for backends that have none of their own: gathers by index tables. */
import * as tf from '@tensorflow/tfjs';

import { eachWeight, keptBlocks } from '../kept-blocks.js';
import type { PatternAttribute } from '../attributes.js';
import type { BlockPattern } from '../pattern.js';

type Named<Names extends string> = Readonly<Partial<Record<Names, tf.Tensor>>>;

/** GatherBlocks: matrix `[n, m]` → `[size]`. */
export function gatheredBlocks({ matrix }: Named<'matrix'>, { pattern }: PatternAttribute): tf.Tensor1D {
  return matrix!.flatten().gather(tf.tensor1d(tablesOf(pattern).inMatrix, 'int32'));
}

/** ScatterBlocks: values `[size]` → `[n, m]`. */
export function scatteredBlocks({ values }: Named<'values'>, { pattern }: PatternAttribute): tf.Tensor2D {
  const [n, m] = pattern.matrixShape;
  if (pattern.blocks === 0) return tf.zeros([n, m]);
  const places = tf.tensor2d(tablesOf(pattern).inMatrix, [pattern.size, 1], 'int32');
  return tf.scatterND(places, values!, [n * m]).reshape([n, m]);
}

/** ScaleBlockValues: values `[size]`, scale `[R, C]` → `[size]`. */
export function scaledBlocks(
  { values, scale }: Named<'values' | 'scale'>,
  { pattern }: PatternAttribute,
): tf.Tensor1D {
  return values!.mul(scale!.flatten().gather(tf.tensor1d(tablesOf(pattern).block, 'int32')));
}

/** BlockValuesDot: a, b `[size]` → `[R, C]`. */
export function dotOfBlocks({ a, b }: Named<'a' | 'b'>, { pattern }: PatternAttribute): tf.Tensor2D {
  const [rows, columns] = pattern.grid.gridShape;
  if (pattern.blocks === 0) return tf.zeros([rows, columns]);
  const sums = wholeBlocks(a!.mul(b!), pattern).sum([1, 2]);
  const places = Int32Array.from(keptBlocks(pattern), ({ row, column }) => row * columns + column);
  const at = tf.tensor2d(places, [places.length, 1], 'int32');
  return tf.scatterND(at, sums, [rows * columns]).reshape([rows, columns]);
}

/** Values `[size]` as blocks of one size, `[blocks, Br, Bc]`, zeros beyond the ragged edges. */
export function wholeBlocks(values: tf.Tensor1D, pattern: BlockPattern): tf.Tensor3D {
  const [blockRows, blockColumns] = pattern.blockShape;
  const shape: [number, number, number] = [pattern.blocks, blockRows, blockColumns];
  const { inWhole } = tablesOf(pattern);
  if (!inWhole) return values.reshape(shape);
  const places = tf.tensor2d(inWhole, [pattern.size, 1], 'int32');
  return tf.scatterND(places, values, [tf.util.sizeFromShape(shape)]).reshape(shape);
}

/** The inverse of `wholeBlocks`: what lies beyond the ragged edges is left out. */
export function trimmedBlocks(blocks: tf.Tensor3D, pattern: BlockPattern): tf.Tensor1D {
  const { inWhole } = tablesOf(pattern);
  const flat = blocks.flatten();
  return inWhole ? flat.gather(tf.tensor1d(inWhole, 'int32')) : flat;
}

/** Where each value lies. On the JavaScript side, so that nothing has to be freed. */
interface Tables {
  /** In the matrix, row by row, `[size]`. */
  readonly inMatrix: Int32Array;
  /** Its block in the grid, `[size]`. */
  readonly block: Int32Array;
  /** Among blocks that are all whole, `[size]`; null where all kept ones are. */
  readonly inWhole: Int32Array | null;
}

const tables = new WeakMap<BlockPattern, Tables>();

function tablesOf(pattern: BlockPattern): Tables {
  let found = tables.get(pattern);
  if (!found) tables.set(pattern, (found = makeTables(pattern)));
  return found;
}

function makeTables(pattern: BlockPattern): Tables {
  const [blockRows, blockColumns] = pattern.blockShape;
  const inMatrix = new Int32Array(pattern.size);
  const block = new Int32Array(pattern.size);
  eachWeight(pattern, (value, place, blockOfValue) => {
    inMatrix[value] = place;
    block[value] = blockOfValue;
  });
  const allWhole = pattern.size === pattern.blocks * blockRows * blockColumns;
  return { inMatrix, block, inWhole: allWhole ? null : placesInWhole(pattern) };
}

function placesInWhole(pattern: BlockPattern): Int32Array {
  const [blockRows, blockColumns] = pattern.blockShape;
  const places = new Int32Array(pattern.size);
  for (const { at, height, width, offset } of keptBlocks(pattern)) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        places[offset + i * width + j] = (at * blockRows + i) * blockColumns + j;
      }
    }
  }
  return places;
}
