// Batch normalisation over the last axis by statistics that are given: x [rows, channels], one mean, variance, scale and offset
// per channel.

import { addToTotals, lastRun, RUN } from './channels';

/** y = (x - mean) · factor + offset, with factor = scale / sqrt(variance + epsilon) given; offset may be 0 for none. */
export function batchNorm(
  x: usize,
  mean: usize,
  factor: usize,
  offset: usize,
  y: usize,
  rows: i32,
  channels: i32,
): void {
  const bytes = (<usize>channels) << 2;
  for (let first = lastRun(rows); first >= 0; first -= RUN) {
    const run = min(RUN, rows - first);
    const start = <usize>first * bytes;
    let c: usize = 0;
    for (; c + 16 <= bytes; c += 16) {
      const m = v128.load(mean + c);
      const f = v128.load(factor + c);
      const shift = offset != 0 ? v128.load(offset + c) : f32x4.splat(0);
      let at = start + c;
      for (let r = 0; r < run; r++) {
        v128.store(y + at, f32x4.add(f32x4.mul(f32x4.sub(v128.load(x + at), m), f), shift));
        at += bytes;
      }
    }
    for (; c < bytes; c += 4) {
      const m = load<f32>(mean + c);
      const f = load<f32>(factor + c);
      const shift: f32 = offset != 0 ? load<f32>(offset + c) : 0;
      let at = start + c;
      for (let r = 0; r < run; r++) {
        store<f32>(y + at, (load<f32>(x + at) - m) * f + shift);
        at += bytes;
      }
    }
  }
}

/** factor = scale / sqrt(variance + epsilon) for each channel; scale may be 0 for ones. */
export function batchNormFactor(
  variance: usize,
  scale: usize,
  factor: usize,
  channels: i32,
  epsilon: f32,
): void {
  const end = (<usize>channels) << 2;
  for (let at: usize = 0; at < end; at += 4) {
    const s: f32 = scale != 0 ? load<f32>(scale + at) : 1;
    store<f32>(factor + at, s / sqrt<f32>(load<f32>(variance + at) + epsilon));
  }
}

/**
 * In one pass over dy and x: dx = dy · factor, sumDy = Σ dy and sumDyX = Σ dy · (x - mean) for each channel.
 *
 * @param totals scratch memory of 2 · channels doubles
 */
export function batchNormGradient(
  dy: usize,
  x: usize,
  mean: usize,
  factor: usize,
  dx: usize,
  sumDy: usize,
  sumDyX: usize,
  rows: i32,
  channels: i32,
  totals: usize,
): void {
  const bytes = (<usize>channels) << 2;
  const totalsX = totals + (bytes << 1);
  memory.fill(totals, 0, bytes << 2);
  for (let first = 0; first < rows; first += RUN) {
    const run = min(RUN, rows - first);
    const start = <usize>first * bytes;
    let c: usize = 0;
    for (; c + 16 <= bytes; c += 16) {
      const m = v128.load(mean + c);
      const f = v128.load(factor + c);
      let sum = f32x4.splat(0);
      let sumX = sum;
      let at = start + c;
      for (let r = 0; r < run; r++) {
        const g = v128.load(dy + at);
        sum = f32x4.add(sum, g);
        sumX = f32x4.add(sumX, f32x4.mul(g, f32x4.sub(v128.load(x + at), m)));
        v128.store(dx + at, f32x4.mul(g, f));
        at += bytes;
      }
      addToTotals(totals + (c << 1), sum);
      addToTotals(totalsX + (c << 1), sumX);
    }
    for (; c < bytes; c += 4) {
      const m = load<f32>(mean + c);
      const f = load<f32>(factor + c);
      let sum: f32 = 0;
      let sumX: f32 = 0;
      let at = start + c;
      for (let r = 0; r < run; r++) {
        const g = load<f32>(dy + at);
        sum += g;
        sumX += g * (load<f32>(x + at) - m);
        store<f32>(dx + at, g * f);
        at += bytes;
      }
      store<f64>(totals + (c << 1), load<f64>(totals + (c << 1)) + <f64>sum);
      store<f64>(totalsX + (c << 1), load<f64>(totalsX + (c << 1)) + <f64>sumX);
    }
  }
  for (let c: usize = 0; c < bytes; c += 4) {
    store<f32>(sumDy + c, <f32>load<f64>(totals + (c << 1)));
    store<f32>(sumDyX + c, <f32>load<f64>(totalsX + (c << 1)));
  }
}
