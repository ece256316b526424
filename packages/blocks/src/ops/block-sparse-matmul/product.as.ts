// y = activation(x · W + bias) and dx = dy · Wᵀ for a block-sparse matrix W.
//
// Both are one loop: over the blocks of columns of the result and, for each, over panels of eight examples. The tile
// of the result stays in registers over all kept blocks that add to it. Seen from the result, an *outer* block is a
// block of its columns, an *inner* block one of the columns of x.

import { element, packRows, transpose4 } from '../../backends/wasm/pack.as';
import { TILE_BYTES, TileWork, tileRows, sumTile } from './tile.as';

/** Bytes between panels: without them panels would fall on one set of the cache. */
const PANEL_GAP: usize = 64;

/** Bytes before the panels in the scratch memory: what a tile is to sum, and its sums. */
const HEAD_BYTES: usize = 256;

/**
 * Bytes of scratch memory that a product with `inner` columns in x needs for `rows` rows at once; 16-byte aligned. In
 * double precision, where more than a memory has is more, and not modulo 4 GiB.
 */
export function productScratchBytes(inner: i32, rows: i32): f64 {
  return <f64>HEAD_BYTES + <f64>((rows + 7) >> 3) * (32 * <f64>inner + <f64>PANEL_GAP);
}

// @ts-ignore: decorator
@inline
function panelPitch(inner: i32): usize {
  return (<usize>inner << 5) + PANEL_GAP;
}

/**
 * @param transposed whether values are read as blocks of Wᵀ: then outer blocks are block rows of W
 * @param batch rows of x and y
 * @param inner columns of x
 * @param outer columns of y
 * @param innerBlock columns of x that a whole block spans
 * @param outerBlock columns of y that a whole block spans
 * @param pointers, indices, starts the kept blocks of each outer block: from pointers[q] up to pointers[q + 1], the
 *   inner block of each, and where its values begin
 * @param innerPointers kept blocks of each inner block, only to see which have none
 * @param bias [outer], or 0 for none
 * @param rowsAtOnce a multiple of 8: rows of x that are packed at a time
 */
export function blockSparseProduct(
  transposed: bool,
  batch: i32,
  inner: i32,
  outer: i32,
  innerBlock: i32,
  outerBlock: i32,
  x: usize,
  values: usize,
  y: usize,
  pointers: usize,
  indices: usize,
  starts: usize,
  innerPointers: usize,
  bias: usize,
  relu: bool,
  scratch: usize,
  rowsAtOnce: i32,
): void {
  const work = changetype<TileWork>(scratch);
  const sums = scratch + HEAD_BYTES - TILE_BYTES;
  const panels = scratch + HEAD_BYTES;
  work.sums = sums;
  work.depth = innerBlock;
  work.lastIndex = (inner - 1) / innerBlock;
  work.lastDepth = inner - work.lastIndex * innerBlock;
  for (let first = 0; first < batch; first += rowsAtOnce) {
    const rows = min(rowsAtOnce, batch - first);
    packUsed(x + ((<usize>first * inner) << 2), rows, inner, innerBlock, innerPointers, panels);
    for (let column = 0, q = 0; column < outer; column += outerBlock, q++) {
      const width = min(outerBlock, outer - column);
      const from = load<i32>(pointers + (<usize>q << 2));
      work.count = load<i32>(pointers + (<usize>q << 2), 4) - from;
      if (work.count == 0) {
        fillColumns(element(y, outer, first, column), outer, rows, width, bias ? bias + (<usize>column << 2) : 0, relu);
        continue;
      }
      work.indices = indices + (<usize>from << 2);
      work.starts = starts + (<usize>from << 2);
      let panel = panels;
      for (let row = 0; row < rows; row += 8) {
        const valid = min(8, rows - row);
        const vectors = valid > 4 ? 2 : 1;
        work.panel = panel;
        for (let c = 0; c < width; ) {
          const tile = tileRows(width - c, transposed);
          work.values = transposed ? values : values + (<usize>c << 2);
          work.step = transposed ? c : width;
          sumTile(tile, vectors, transposed, work);
          const shift = bias ? bias + (<usize>(column + c) << 2) : 0;
          storeTransposed(sums, tile, vectors, element(y, outer, first + row, column + c), outer, valid, shift, relu);
          c += tile;
        }
        panel += panelPitch(inner);
      }
    }
  }
}

/** Columns of y that no kept block adds to: the bias, or zeros. */
function fillColumns(to: usize, stride: i32, rows: i32, width: i32, bias: usize, relu: bool): void {
  const step = <usize>stride << 2;
  const bytes = <usize>width << 2;
  for (let row = 0; row < rows; row++) {
    let at: usize = 0;
    for (; at + 16 <= bytes; at += 16) {
      const value = bias ? v128.load(bias + at) : f32x4.splat(0);
      v128.store(to + at, relu ? f32x4.max(value, f32x4.splat(0)) : value);
    }
    for (; at < bytes; at += 4) {
      const value = bias ? load<f32>(bias + at) : 0;
      store<f32>(to + at, relu ? max(value, 0) : value);
    }
    to += step;
  }
}

/** Packs the rows in panels of eight (the last of four, where that is enough), leaving out inner blocks that no kept block reads. */
function packUsed(x: usize, rows: i32, inner: i32, innerBlock: i32, innerPointers: usize, panels: usize): void {
  for (let row = 0; row < rows; row += 8) {
    const valid = min(8, rows - row);
    const vectors = valid > 4 ? 2 : 1;
    let column = 0;
    let pointer = innerPointers;
    while (column < inner) {
      // Neighbours that are used are packed in one go.
      const start = column;
      while (column < inner && load<i32>(pointer) < load<i32>(pointer, 4)) {
        column += innerBlock;
        pointer += 4;
      }
      if (column > start) {
        const to = panels + ((<usize>start * vectors) << 4);
        packRows(element(x, inner, row, 0), inner, valid, start, min(column, inner) - start, vectors, to);
      }
      column += innerBlock;
      pointer += 4;
    }
    panels += panelPitch(inner);
  }
}

/** Writes sums [columns][4 · vectors] as the columns of y from `to`: `rows` rows, with the bias and ReLU. */
function storeTransposed(
  sums: usize,
  columns: i32,
  vectors: i32,
  to: usize,
  stride: i32,
  rows: i32,
  bias: usize,
  relu: bool,
): void {
  const pitch = <usize>vectors << 4;
  const step = <usize>stride << 2;
  if (bias != 0 || relu) finish(sums, columns, pitch, bias, relu);
  let c = 0;
  for (; c + 4 <= columns && rows >= 4; c += 4) {
    const source = sums + <usize>c * pitch;
    const target = to + (<usize>c << 2);
    transpose4(source, pitch, target, step);
    if (rows == 8) {
      transpose4(source + 16, pitch, target + 4 * step, step);
    } else {
      for (let k = c; k < c + 4; k++) storeColumn(sums + <usize>k * pitch, to + (<usize>k << 2), step, 4, rows);
    }
  }
  for (; c < columns; c++) storeColumn(sums + <usize>c * pitch, to + (<usize>c << 2), step, 0, rows);
}

// @ts-ignore: decorator
@inline
function storeColumn(sums: usize, to: usize, step: usize, row: i32, rows: i32): void {
  for (; row < rows; row++) store<f32>(to + <usize>row * step, load<f32>(sums + (<usize>row << 2)));
}

/** Adds to each row of sums its bias, and applies ReLU. */
function finish(sums: usize, columns: i32, pitch: usize, bias: usize, relu: bool): void {
  const zero = f32x4.splat(0);
  for (let c = 0; c < columns; c++) {
    const shift = bias ? v128.load32_splat(bias + (<usize>c << 2)) : zero;
    for (let at: usize = 0; at < pitch; at += 16) {
      const value = f32x4.add(v128.load(sums + at), shift);
      v128.store(sums + at, relu ? f32x4.max(value, zero) : value);
    }
    sums += pitch;
  }
}
