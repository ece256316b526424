// y = activation(x · W + bias) where blocks are whole vectors wide: four rows of x by eight columns of a block at a time,
// both read where they lie. Nothing is packed and nothing transposed, which is a tenth of the time of the product.

import { element } from '../../backends/wasm/pack.as';
import { madd } from './tile.as';

/** Rows and columns of the register tile. */
const ROWS: i32 = 4;
const COLUMNS: i32 = 8;

/** What a tile sums. In scratch memory: nothing here allocates. */
@unmanaged
class DirectWork {
  /** The first of the tile's rows of x, and bytes from one to the next. */
  x: usize;
  xStep: usize;
  /** The first value of the tile's first column in a block that starts at 0. */
  values: usize;
  indices: usize;
  starts: usize;
  count: i32;
  depth: i32;
  lastIndex: i32;
  lastDepth: i32;
  /** Columns of the block, and so floats from one of its rows to the next. */
  width: i32;
}

/** Bytes of scratch memory. */
export function directScratchBytes(): usize {
  return offsetof<DirectWork>();
}

/**
 * Arguments as those of blockSparseProduct, not transposed. At least four rows; `outer` and `outerBlock` are multiples
 * of eight.
 */
export function blockSparseDirect(
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
  bias: usize,
  relu: bool,
  scratch: usize,
): void {
  const work = changetype<DirectWork>(scratch);
  work.xStep = (<usize>inner) << 2;
  work.depth = innerBlock;
  work.lastIndex = (inner - 1) / innerBlock;
  work.lastDepth = inner - work.lastIndex * innerBlock;
  for (let column = 0; column < outer; column += outerBlock) {
    const from = load<i32>(pointers);
    work.count = load<i32>(pointers, 4) - from;
    work.indices = indices + ((<usize>from) << 2);
    work.starts = starts + ((<usize>from) << 2);
    work.width = min(outerBlock, outer - column);
    for (let next = 0; next < batch; next += ROWS) {
      // The last four rows may have been computed in part already: they come to the same.
      const row = min(next, batch - ROWS);
      work.x = element(x, inner, row, 0);
      for (let c = 0; c < work.width; c += COLUMNS) {
        work.values = values + ((<usize>c) << 2);
        const shift = bias ? bias + ((<usize>(column + c)) << 2) : 0;
        sumDirect(work, element(y, outer, row, column + c), (<usize>outer) << 2, shift, relu);
      }
    }
    pointers += 4;
  }
}

/** Exported, as the tiles are: see tile.ts. */
export function sumDirect(work: DirectWork, to: usize, toStep: usize, bias: usize, relu: bool): void {
  let s00 = f32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  let indices = work.indices;
  let starts = work.starts;
  const end = indices + ((<usize>work.count) << 2);
  const xStep = work.xStep;
  const step = (<usize>work.width) << 2;
  while (indices < end) {
    const index = load<i32>(indices);
    const depth = index == work.lastIndex ? work.lastDepth : work.depth;
    let x0 = work.x + ((<usize>(index * work.depth)) << 2);
    let x1 = x0 + xStep;
    let x2 = x1 + xStep;
    let x3 = x2 + xStep;
    let w = work.values + ((<usize>load<i32>(starts)) << 2);
    const xEnd = x0 + ((<usize>depth) << 2);
    while (x0 < xEnd) {
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      let x = v128.load32_splat(x0);
      s00 = madd(s00, x, w0);
      s01 = madd(s01, x, w1);
      x = v128.load32_splat(x1);
      s10 = madd(s10, x, w0);
      s11 = madd(s11, x, w1);
      x = v128.load32_splat(x2);
      s20 = madd(s20, x, w0);
      s21 = madd(s21, x, w1);
      x = v128.load32_splat(x3);
      s30 = madd(s30, x, w0);
      s31 = madd(s31, x, w1);
      x0 += 4;
      x1 += 4;
      x2 += 4;
      x3 += 4;
      w += step;
    }
    indices += 4;
    starts += 4;
  }
  const zero = f32x4.splat(0);
  const b0 = bias ? v128.load(bias) : zero;
  const b1 = bias ? v128.load(bias, 16) : zero;
  storeRow(to, s00, s01, b0, b1, relu);
  storeRow(to + toStep, s10, s11, b0, b1, relu);
  storeRow(to + 2 * toStep, s20, s21, b0, b1, relu);
  storeRow(to + 3 * toStep, s30, s31, b0, b1, relu);
}

// @ts-ignore: decorator
@inline
function storeRow(to: usize, s0: v128, s1: v128, b0: v128, b1: v128, relu: bool): void {
  let y0 = f32x4.add(s0, b0);
  let y1 = f32x4.add(s1, b1);
  if (relu) {
    y0 = f32x4.max(y0, f32x4.splat(0));
    y1 = f32x4.max(y1, f32x4.splat(0));
  }
  v128.store(to, y0);
  v128.store(to, y1, 16);
}
