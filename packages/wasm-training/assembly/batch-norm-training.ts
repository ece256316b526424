// Batch normalisation in training: the mean and the variance of each channel are those of x [rows, channels] itself, and the
// gradient goes through them. x is normalised by batch-norm.ts.

import { addToTotals, channelsAt, high, lastRun, low, RUN } from './channels';
import { madd } from './tiles';

/**
 * The mean and the variance (over `rows`, not one less) of each channel, from one pass over x. The rows are taken in runs
 * that stay in the cache: of each its mean, then its squares about that mean, corrected for the rounding of the mean. The
 * runs are joined in double precision. (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983.)
 *
 * @param totals scratch memory of 2 · channels doubles
 */
export function batchNormStatistics(
  x: usize,
  mean: usize,
  variance: usize,
  rows: i32,
  channels: i32,
  totals: usize,
): void {
  const bytes = <usize>channels << 2;
  const squares = totals + (bytes << 1);
  memory.fill(totals, 0, bytes << 2);
  for (let first = 0; first < rows; first += RUN) {
    const run = min(RUN, rows - first);
    const start = x + <usize>first * bytes;
    let c: usize = 0;
    for (; c + 16 <= bytes; c += 16) joinRun(start + c, bytes, first, run, totals + (c << 1), squares + (c << 1), false);
    for (; c < bytes; c += 4) joinRun(start + c, bytes, first, run, totals + (c << 1), squares + (c << 1), true);
  }
  const share: f64 = 1 / <f64>max(rows, 1);
  for (let c: usize = 0; c < bytes; c += 4) {
    store<f32>(mean + c, <f32>load<f64>(totals + (c << 1)));
    store<f32>(variance + c, <f32>(load<f64>(squares + (c << 1)) * share));
  }
}

/** Joins `run` rows of four channels, or of one, to the mean and the squares about it of the `first` rows before. */
// @ts-ignore: decorator
@inline
function joinRun(x: usize, step: usize, first: i32, run: i32, mean: usize, squares: usize, single: bool): void {
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  let at = x;
  let r = 0;
  for (; r + 4 <= run; r += 4) {
    sum0 = f32x4.add(sum0, channelsAt(at, single));
    sum1 = f32x4.add(sum1, channelsAt(at + step, single));
    sum0 = f32x4.add(sum0, channelsAt(at + 2 * step, single));
    sum1 = f32x4.add(sum1, channelsAt(at + 3 * step, single));
    at += step << 2;
  }
  for (; r < run; r++, at += step) sum0 = f32x4.add(sum0, channelsAt(at, single));
  const centre = f32x4.mul(f32x4.add(sum0, sum1), f32x4.splat(1 / <f32>run));
  let off0 = f32x4.splat(0);
  let off1 = off0;
  let square0 = off0;
  let square1 = off0;
  at = x;
  for (r = 0; r + 2 <= run; r += 2) {
    const d0 = f32x4.sub(channelsAt(at, single), centre);
    const d1 = f32x4.sub(channelsAt(at + step, single), centre);
    off0 = f32x4.add(off0, d0);
    off1 = f32x4.add(off1, d1);
    square0 = madd(square0, d0, d0);
    square1 = madd(square1, d1, d1);
    at += step << 1;
  }
  if (r < run) {
    const d = f32x4.sub(channelsAt(at, single), centre);
    off0 = f32x4.add(off0, d);
    square0 = madd(square0, d, d);
  }
  const off = f32x4.add(off0, off1);
  const square = f32x4.add(square0, square1);
  joinPair(mean, squares, first, run, low(centre), low(off), low(square), single);
  if (!single) joinPair(mean + 16, squares + 16, first, run, high(centre), high(off), high(square), false);
}

/** The same for two channels, or one, whose run has the sums `off` and `square` of what it is off `centre`, in doubles. */
// @ts-ignore: decorator
@inline
function joinPair(
  mean: usize,
  squares: usize,
  first: i32,
  run: i32,
  centre: v128,
  off: v128,
  square: v128,
  single: bool,
): void {
  const before: f64 = <f64>first;
  const share = f64x2.splat(<f64>run / (before + <f64>run));
  const off1 = f64x2.mul(off, f64x2.splat(1 / <f64>run));
  const known = single ? v128.load64_zero(mean) : v128.load(mean);
  const knownSquares = single ? v128.load64_zero(squares) : v128.load(squares);
  const delta = f64x2.sub(f64x2.add(centre, off1), known);
  const joined = f64x2.add(known, f64x2.mul(delta, share));
  const own = f64x2.sub(square, f64x2.mul(off, off1));
  const between = f64x2.mul(f64x2.mul(delta, delta), f64x2.mul(share, f64x2.splat(before)));
  const all = f64x2.add(knownSquares, f64x2.add(own, between));
  if (single) {
    v128.store64_lane(mean, joined, 0);
    v128.store64_lane(squares, all, 0);
  } else {
    v128.store(mean, joined);
    v128.store(squares, all);
  }
}

/**
 * The gradient of y = (x - mean(x)) · scale / sqrt(variance(x) + epsilon) + offset: two passes over dy and x.
 *
 * @param dMean, dVariance the gradients by the mean and the variance as results of their own
 * @param totals scratch memory of 4 · channels doubles
 */
export function batchNormTrainingGradient(
  dy: usize,
  x: usize,
  mean: usize,
  variance: usize,
  scale: usize,
  dMean: usize,
  dVariance: usize,
  dx: usize,
  dScale: usize,
  dOffset: usize,
  rows: i32,
  channels: i32,
  epsilon: f32,
  totals: usize,
): void {
  const bytes = <usize>channels << 2;
  const totalsX = totals + (bytes << 1);
  memory.fill(totals, 0, bytes << 2);
  for (let first = 0; first < rows; first += RUN) {
    const run = min(RUN, rows - first);
    const start = <usize>first * bytes;
    let c: usize = 0;
    for (; c + 16 <= bytes; c += 16) {
      const at = start + c;
      sumRun(dy + at, x + at, mean + c, bytes, run, totals + (c << 1), totalsX + (c << 1), false);
    }
    for (; c < bytes; c += 4) {
      const at = start + c;
      sumRun(dy + at, x + at, mean + c, bytes, run, totals + (c << 1), totalsX + (c << 1), true);
    }
  }
  // dx = dy · factor + (x - mean) · slope + shift, for each channel.
  const factor = totals + (bytes << 2);
  const slope = factor + bytes;
  const shift = slope + bytes;
  const share: f64 = 1 / <f64>max(rows, 1);
  for (let c: usize = 0; c < bytes; c += 4) {
    const sum = load<f64>(totals + (c << 1));
    const sumX = load<f64>(totalsX + (c << 1));
    const reciprocal: f64 = 1 / sqrt<f64>(<f64>load<f32>(variance + c) + <f64>epsilon);
    const scaled = <f64>load<f32>(scale + c) * reciprocal;
    store<f32>(dScale + c, <f32>(reciprocal * sumX));
    store<f32>(dOffset + c, <f32>sum);
    store<f32>(factor + c, <f32>scaled);
    const byVariance = 2 * <f64>load<f32>(dVariance + c) - scaled * reciprocal * reciprocal * sumX;
    store<f32>(slope + c, <f32>(share * byVariance));
    store<f32>(shift + c, <f32>(share * (<f64>load<f32>(dMean + c) - scaled * sum)));
  }
  for (let first = lastRun(rows); first >= 0; first -= RUN) {
    const run = min(RUN, rows - first);
    const start = <usize>first * bytes;
    let c: usize = 0;
    for (; c + 16 <= bytes; c += 16) {
      const m = v128.load(mean + c);
      const f = v128.load(factor + c);
      const s = v128.load(slope + c);
      const t = v128.load(shift + c);
      let at = start + c;
      for (let r = 0; r < run; r++) {
        const sum = madd(t, f32x4.sub(v128.load(x + at), m), s);
        v128.store(dx + at, madd(sum, v128.load(dy + at), f));
        at += bytes;
      }
    }
    for (; c < bytes; c += 4) {
      const m = load<f32>(mean + c);
      const f = load<f32>(factor + c);
      const s = load<f32>(slope + c);
      const t = load<f32>(shift + c);
      let at = start + c;
      for (let r = 0; r < run; r++) {
        store<f32>(dx + at, load<f32>(dy + at) * f + (load<f32>(x + at) - m) * s + t);
        at += bytes;
      }
    }
  }
}

/** Adds dy and dy · (x - mean) of `run` rows of four channels, or of one, to their totals. */
// @ts-ignore: decorator
@inline
function sumRun(
  dy: usize,
  x: usize,
  mean: usize,
  step: usize,
  run: i32,
  totals: usize,
  totalsX: usize,
  single: bool,
): void {
  const m = channelsAt(mean, single);
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  let sumX0 = sum0;
  let sumX1 = sum0;
  let r = 0;
  for (; r + 2 <= run; r += 2) {
    const g0 = channelsAt(dy, single);
    const g1 = channelsAt(dy + step, single);
    sum0 = f32x4.add(sum0, g0);
    sum1 = f32x4.add(sum1, g1);
    sumX0 = madd(sumX0, g0, f32x4.sub(channelsAt(x, single), m));
    sumX1 = madd(sumX1, g1, f32x4.sub(channelsAt(x + step, single), m));
    dy += step << 1;
    x += step << 1;
  }
  if (r < run) {
    const g = channelsAt(dy, single);
    sum0 = f32x4.add(sum0, g);
    sumX0 = madd(sumX0, g, f32x4.sub(channelsAt(x, single), m));
  }
  const sum = f32x4.add(sum0, sum1);
  const sumX = f32x4.add(sumX0, sumX1);
  if (single) {
    store<f64>(totals, load<f64>(totals) + <f64>f32x4.extract_lane(sum, 0));
    store<f64>(totalsX, load<f64>(totalsX) + <f64>f32x4.extract_lane(sumX, 0));
  } else {
    addToTotals(totals, sum);
    addToTotals(totalsX, sumX);
  }
}

/** moved = moving - (moving - value) · decay, for each channel. */
export function movingAverage(moving: usize, value: usize, moved: usize, channels: i32, decay: f32): void {
  const end = <usize>channels << 2;
  for (let at: usize = 0; at < end; at += 4) {
    const old = load<f32>(moving + at);
    store<f32>(moved + at, old - (old - load<f32>(value + at)) * decay);
  }
}
