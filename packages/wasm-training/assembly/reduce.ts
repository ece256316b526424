// Sums along the middle axis of an array [outer, length, inner], which is what a reduction over neighbouring axes is.
// Runs of 128 terms are summed in single precision, the runs in double: the error does not grow with the length.

const RUN: i32 = 128;

/** out[o, i] = factor · the sum over p of x[o, p, i]. */
export function sumMiddle(x: usize, out: usize, outer: i32, length: i32, inner: i32, factor: f64): void {
  const step = <usize>inner << 2;
  for (let o = 0; o < outer; o++) {
    if (inner == 1) {
      store<f32>(out, <f32>(factor * sumRow(x, length)));
    } else {
      let i = 0;
      for (; i + 16 <= inner; i += 16) sumColumns16(x + (<usize>i << 2), out + (<usize>i << 2), length, step, factor);
      for (; i + 4 <= inner; i += 4) sumColumns4(x + (<usize>i << 2), out + (<usize>i << 2), length, step, factor);
      for (; i < inner; i++) sumColumn(x + (<usize>i << 2), out + (<usize>i << 2), length, step, factor);
    }
    x += <usize>length * step;
    out += step;
  }
}

/** The sum of `length` consecutive floats. */
function sumRow(x: usize, length: i32): f64 {
  const end = x + (<usize>length << 2);
  let total = f64x2.splat(0);
  while (x + 64 <= end) {
    const runEnd = min(end, x + (RUN << 4)); // four accumulators, each of RUN terms
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (; x + 64 <= runEnd; x += 64) {
      s0 = f32x4.add(s0, v128.load(x));
      s1 = f32x4.add(s1, v128.load(x, 16));
      s2 = f32x4.add(s2, v128.load(x, 32));
      s3 = f32x4.add(s3, v128.load(x, 48));
    }
    total = addLow(addHigh(total, s0), s0);
    total = addLow(addHigh(total, s1), s1);
    total = addLow(addHigh(total, s2), s2);
    total = addLow(addHigh(total, s3), s3);
  }
  let rest: f64 = 0;
  for (; x < end; x += 4) rest += <f64>load<f32>(x);
  return f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1) + rest;
}

/** Sums of 16 columns, `step` bytes between rows. */
function sumColumns16(x: usize, out: usize, length: i32, step: usize, factor: f64): void {
  let t0 = f64x2.splat(0);
  let t1 = t0;
  let t2 = t0;
  let t3 = t0;
  let t4 = t0;
  let t5 = t0;
  let t6 = t0;
  let t7 = t0;
  for (let p = 0; p < length; p += RUN) {
    const rows = min(RUN, length - p);
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let r = 0; r < rows; r++) {
      s0 = f32x4.add(s0, v128.load(x));
      s1 = f32x4.add(s1, v128.load(x, 16));
      s2 = f32x4.add(s2, v128.load(x, 32));
      s3 = f32x4.add(s3, v128.load(x, 48));
      x += step;
    }
    t0 = addLow(t0, s0);
    t1 = addHigh(t1, s0);
    t2 = addLow(t2, s1);
    t3 = addHigh(t3, s1);
    t4 = addLow(t4, s2);
    t5 = addHigh(t5, s2);
    t6 = addLow(t6, s3);
    t7 = addHigh(t7, s3);
  }
  storeScaled(out, t0, t1, factor);
  storeScaled(out + 16, t2, t3, factor);
  storeScaled(out + 32, t4, t5, factor);
  storeScaled(out + 48, t6, t7, factor);
}

function sumColumns4(x: usize, out: usize, length: i32, step: usize, factor: f64): void {
  let low = f64x2.splat(0);
  let high = low;
  for (let p = 0; p < length; p += RUN) {
    const rows = min(RUN, length - p);
    let sum = f32x4.splat(0);
    for (let r = 0; r < rows; r++) {
      sum = f32x4.add(sum, v128.load(x));
      x += step;
    }
    low = addLow(low, sum);
    high = addHigh(high, sum);
  }
  storeScaled(out, low, high, factor);
}

function sumColumn(x: usize, out: usize, length: i32, step: usize, factor: f64): void {
  let sum: f64 = 0;
  for (let p = 0; p < length; p++) {
    sum += <f64>load<f32>(x);
    x += step;
  }
  store<f32>(out, <f32>(sum * factor));
}

// @ts-ignore: decorator
@inline
function addLow(sum: v128, x: v128): v128 {
  return f64x2.add(sum, f64x2.promote_low_f32x4(x));
}

// @ts-ignore: decorator
@inline
function addHigh(sum: v128, x: v128): v128 {
  return f64x2.add(sum, f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 2, 3)));
}

// @ts-ignore: decorator
@inline
function storeScaled(out: usize, low: v128, high: v128, factor: f64): void {
  const scale = f64x2.splat(factor);
  const l = f32x4.demote_f64x2_zero(f64x2.mul(low, scale));
  const h = f32x4.demote_f64x2_zero(f64x2.mul(high, scale));
  v128.store(out, v128.shuffle<f32>(l, h, 0, 1, 4, 5));
}

/** The gradient of the sum: out[o, p, i] = factor · x[o, i] for out [outer, length, inner]. */
export function spreadMiddle(x: usize, out: usize, outer: i32, length: i32, inner: i32, factor: f32): void {
  const bytes = <usize>inner << 2;
  const factor4 = f32x4.splat(factor);
  for (let o = 0; o < outer; o++) {
    if (inner == 1) {
      const value = load<f32>(x) * factor;
      const value4 = f32x4.splat(value);
      const end = out + (<usize>length << 2);
      for (; out + 16 <= end; out += 16) v128.store(out, value4);
      for (; out < end; out += 4) store<f32>(out, value);
    } else {
      for (let p = 0; p < length; p++) {
        let at: usize = 0;
        for (; at + 16 <= bytes; at += 16) v128.store(out + at, f32x4.mul(v128.load(x + at), factor4));
        for (; at < bytes; at += 4) store<f32>(out + at, load<f32>(x + at) * factor);
        out += bytes;
      }
    }
    x += bytes;
  }
}
