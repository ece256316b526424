/**
 * Where each value of a pattern lies, as index tables: what compositions by gathers of tfjs are made of. On the
 * JavaScript side, so that nothing has to be freed.
 */
import * as tf from '@tensorflow/tfjs';

import { blocksOfPattern, eachWeight } from './pattern-blocks.js';
import type { BlockPattern } from './pattern.js';

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

export interface Tables {
  /** In the matrix, row by row, `[size]`. */
  readonly inMatrix: Int32Array;
  /** Its block in the grid, `[size]`. */
  readonly block: Int32Array;
  /** Among blocks that are all whole, `[size]`; null where all kept ones are. */
  readonly inWhole: Int32Array | null;
}

const known = new WeakMap<BlockPattern, Tables>();

export function tablesOf(pattern: BlockPattern): Tables {
  let found = known.get(pattern);
  if (!found) known.set(pattern, (found = makeTables(pattern)));
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
  for (const { at, height, width, offset } of blocksOfPattern(pattern)) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        places[offset + i * width + j] = (at * blockRows + i) * blockColumns + j;
      }
    }
  }
  return places;
}

const knownPlaces = new WeakMap<BlockPattern, Int32Array>();

/** Of each block of the grid, `[R · C]` row by row, its place among the kept ones, counted from 1; 0 for a pruned one. */
export function placesOnGrid(pattern: BlockPattern): Int32Array {
  const found = knownPlaces.get(pattern);
  if (found) return found;
  const { grid, pointers, indices } = pattern;
  const [rows, columns] = grid.gridShape;
  const places = new Int32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let at = pointers[row]!; at < pointers[row + 1]!; at++)
      places[row * columns + indices[at]!] = at + 1;
  }
  knownPlaces.set(pattern, places);
  return places;
}

/** Where the values of each kept block begin, column of blocks by column, as `pattern.columns()` lists them. */
export function columnStarts(pattern: BlockPattern): Int32Array {
  return pattern.columns().order.map((at) => pattern.offsets[at]!);
}
