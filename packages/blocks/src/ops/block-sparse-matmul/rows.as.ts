// y = activation(x · W + bias) for so few rows that eight at a time would mostly be padding: each row of x by itself,
// sixteen columns of a block beside one another. The weights are read once, from first to last, which is what it takes.

import { madd } from './tile.as';

/** The kept blocks of a block column, as they are read. In scratch memory: nothing here allocates. */
@unmanaged
class ColumnWork {
  x: usize;
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

/** Arguments as those of blockSparseProduct, not transposed; 64 bytes of scratch memory. */
export function blockSparseRows(
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
  const work = changetype<ColumnWork>(scratch);
  work.depth = innerBlock;
  work.lastIndex = (inner - 1) / innerBlock;
  work.lastDepth = inner - work.lastIndex * innerBlock;
  for (let column = 0; column < outer; column += outerBlock) {
    const from = load<i32>(pointers);
    work.count = load<i32>(pointers, 4) - from;
    work.indices = indices + (<usize>from << 2);
    work.starts = starts + (<usize>from << 2);
    work.width = min(outerBlock, outer - column);
    for (let row = 0; row < batch; row++) {
      work.x = x + ((<usize>row * inner) << 2);
      let to = y + ((<usize>row * outer + column) << 2);
      let shift = bias ? bias + (<usize>column << 2) : 0;
      work.values = values;
      for (let c = 0; c < work.width; ) {
        const rest = work.width - c;
        const columns = rest >= 16 ? 16 : rest >= 8 ? 8 : rest >= 4 ? 4 : 1;
        if (rest >= 16) sum16(work, to, shift, relu);
        else if (rest >= 8) sum8(work, to, shift, relu);
        else if (rest >= 4) sum4(work, to, shift, relu);
        else sum1(work, to, shift, relu);
        c += columns;
        to += <usize>columns << 2;
        work.values += <usize>columns << 2;
        if (bias) shift += <usize>columns << 2;
      }
    }
    pointers += 4;
  }
}

// One function a width, and exported, as the tiles are: see tile.ts.
export function sum16(work: ColumnWork, to: usize, bias: usize, relu: bool): void { sumVectors(4, work, to, bias, relu); } // prettier-ignore
export function sum8(work: ColumnWork, to: usize, bias: usize, relu: bool): void { sumVectors(2, work, to, bias, relu); } // prettier-ignore
export function sum4(work: ColumnWork, to: usize, bias: usize, relu: bool): void { sumVectors(1, work, to, bias, relu); } // prettier-ignore

// @ts-ignore: decorator
@inline
function sumVectors(VECTORS: i32, work: ColumnWork, to: usize, bias: usize, relu: bool): void {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let indices = work.indices;
  let starts = work.starts;
  const end = indices + (<usize>work.count << 2);
  const step = <usize>work.width << 2;
  while (indices < end) {
    const index = load<i32>(indices);
    const depth = index == work.lastIndex ? work.lastDepth : work.depth;
    let x = work.x + (<usize>(index * work.depth) << 2);
    let w = work.values + (<usize>load<i32>(starts) << 2);
    const xEnd = x + (<usize>depth << 2);
    while (x < xEnd) {
      const spread = v128.load32_splat(x);
      s0 = madd(s0, spread, v128.load(w));
      if (VECTORS > 1) s1 = madd(s1, spread, v128.load(w, 16));
      if (VECTORS > 2) s2 = madd(s2, spread, v128.load(w, 32));
      if (VECTORS > 2) s3 = madd(s3, spread, v128.load(w, 48));
      x += 4;
      w += step;
    }
    indices += 4;
    starts += 4;
  }
  if (bias) {
    s0 = f32x4.add(s0, v128.load(bias));
    if (VECTORS > 1) s1 = f32x4.add(s1, v128.load(bias, 16));
    if (VECTORS > 2) s2 = f32x4.add(s2, v128.load(bias, 32));
    if (VECTORS > 2) s3 = f32x4.add(s3, v128.load(bias, 48));
  }
  if (relu) {
    const zero = f32x4.splat(0);
    s0 = f32x4.max(s0, zero);
    if (VECTORS > 1) s1 = f32x4.max(s1, zero);
    if (VECTORS > 2) s2 = f32x4.max(s2, zero);
    if (VECTORS > 2) s3 = f32x4.max(s3, zero);
  }
  v128.store(to, s0);
  if (VECTORS > 1) v128.store(to, s1, 16);
  if (VECTORS > 2) v128.store(to, s2, 32);
  if (VECTORS > 2) v128.store(to, s3, 48);
}

function sum1(work: ColumnWork, to: usize, bias: usize, relu: bool): void {
  let sum: f32 = bias ? load<f32>(bias) : 0;
  const step = <usize>work.width << 2;
  for (let i = 0; i < work.count; i++) {
    const index = load<i32>(work.indices + (<usize>i << 2));
    const depth = index == work.lastIndex ? work.lastDepth : work.depth;
    let x = work.x + (<usize>(index * work.depth) << 2);
    let w = work.values + (<usize>load<i32>(work.starts + (<usize>i << 2)) << 2);
    for (let k = 0; k < depth; k++) {
      sum += load<f32>(x) * load<f32>(w);
      x += 4;
      w += step;
    }
  }
  store<f32>(to, relu ? max<f32>(sum, 0) : sum);
}
