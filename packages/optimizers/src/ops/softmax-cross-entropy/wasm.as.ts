// The cross-entropy of a softmax, row by row, without the softmax being stored, and its gradient.

import { exp4 } from '@espalier/blocks/src/backends/wasm/exponential.as';

/** The sum over all rows of Σ_j labels[j] · (log Σ_k exp(logits[k]) - logits[j]). Both are [rows, columns]. */
export function crossEntropy(labels: usize, logits: usize, rows: i32, columns: i32): f64 {
  const bytes = (<usize>columns) << 2;
  let loss: f64 = 0;
  for (let i = 0; i < rows; i++) {
    const largest = rowMaximum(logits, bytes);
    const logTotal = <f64>largest + log(sumOfPowers(logits, bytes, largest));
    for (let at: usize = 0; at < bytes; at += 4) {
      loss += <f64>load<f32>(labels + at) * (logTotal - <f64>load<f32>(logits + at));
    }
    labels += bytes;
    logits += bytes;
  }
  return loss;
}

/** dLogits = factor · (softmax(logits) · Σ_j labels[j] - labels), row by row. */
export function crossEntropyGrad(
  labels: usize,
  logits: usize,
  dLogits: usize,
  rows: i32,
  columns: i32,
  factor: f32,
): void {
  const bytes = (<usize>columns) << 2;
  for (let i = 0; i < rows; i++) {
    const largest = rowMaximum(logits, bytes);
    const largest4 = f32x4.splat(largest);
    let share: f64 = 0;
    for (let at: usize = 0; at < bytes; at += 4) share += <f64>load<f32>(labels + at);
    share /= sumOfPowers(logits, bytes, largest);
    const share4 = f32x4.splat(<f32>share);
    const factor4 = f32x4.splat(factor);
    let at: usize = 0;
    for (; at + 16 <= bytes; at += 16) {
      const expected = f32x4.mul(exp4(f32x4.sub(v128.load(logits + at), largest4)), share4);
      v128.store(dLogits + at, f32x4.mul(factor4, f32x4.sub(expected, v128.load(labels + at))));
    }
    for (; at < bytes; at += 4) {
      const expected = f32x4.mul(exp4(f32x4.sub(v128.load32_zero(logits + at), largest4)), share4);
      const row = f32x4.mul(factor4, f32x4.sub(expected, v128.load32_zero(labels + at)));
      v128.store32_lane(dLogits + at, row, 0);
    }
    labels += bytes;
    logits += bytes;
    dLogits += bytes;
  }
}

function rowMaximum(row: usize, bytes: usize): f32 {
  let largest: f32 = -Infinity;
  for (let at: usize = 0; at < bytes; at += 4) largest = max<f32>(largest, load<f32>(row + at));
  return largest;
}

/** Σ exp(row - largest). */
function sumOfPowers(row: usize, bytes: usize, largest: f32): f64 {
  const largest4 = f32x4.splat(largest);
  let total: f64 = 0;
  let at: usize = 0;
  for (; at + 16 <= bytes; at += 16) {
    const e = exp4(f32x4.sub(v128.load(row + at), largest4));
    total += <f64>f32x4.extract_lane(e, 0) + <f64>f32x4.extract_lane(e, 1);
    total += <f64>f32x4.extract_lane(e, 2) + <f64>f32x4.extract_lane(e, 3);
  }
  for (; at < bytes; at += 4) {
    total += <f64>f32x4.extract_lane(exp4(f32x4.sub(v128.load32_zero(row + at), largest4)), 0);
  }
  return total;
}

/**
 * The natural logarithm of a number of at least 1, to about 1e-13: ln(m · 2^e) = e · ln 2 + 2 artanh((m - 1) / (m + 1))
 * with m in [1/√2, √2), by the series of artanh. (That of the standard library brings tables, which a module that
 * shares another's memory has no place for.) NaN stays NaN.
 */
function log(x: f64): f64 {
  if (!(x < Infinity)) return x;
  const bits = reinterpret<u64>(x);
  let exponent = <i32>(bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent += 1;
  }
  const s = (m - 1) / (m + 1);
  const square = s * s;
  let series: f64 = 0;
  for (let k = 17; k >= 1; k -= 2) series = series * square + 1.0 / <f64>k;
  return <f64>exponent * 0.6931471805599453 + 2 * s * series;
}
