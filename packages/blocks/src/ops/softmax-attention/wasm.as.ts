// The attention that softmax attention gives the blocks of a matrix, on as many logits as there are blocks: a softmax
// over all of them, scaled to mean 1, or an exponential of each; clipped; and its gradient.

import { exp4 } from '../../backends/wasm/exponential.as';

/**
 * out = min(max(A, minimum), maximum), A = G · softmax(logits / temperature) over G logits, or, not normalised,
 * exp(logits / temperature). Normalised, equal logits give exactly 1, where the limits allow it, and a NaN makes all of
 * them NaN.
 */
export function attention(
  logits: usize,
  out: usize,
  size: i32,
  normalised: bool,
  temperature: f32,
  minimum: f32,
  maximum: f32,
): void {
  const end = (<usize>size) << 2;
  let largest: f32 = normalised ? -Infinity : 0;
  if (normalised) largest = largestOf(logits, end);
  const largest4 = f32x4.splat(largest);
  const temperature4 = f32x4.splat(temperature);
  let total: f64 = 0;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const e = exp4(f32x4.div(f32x4.sub(v128.load(logits + at), largest4), temperature4));
    v128.store(out + at, e);
    total += <f64>f32x4.extract_lane(e, 0) + <f64>f32x4.extract_lane(e, 1);
    total += <f64>f32x4.extract_lane(e, 2) + <f64>f32x4.extract_lane(e, 3);
  }
  for (; at < end; at += 4) {
    const e = exp4(f32x4.div(f32x4.sub(v128.load32_zero(logits + at), largest4), temperature4));
    v128.store32_lane(out + at, e, 0);
    total += <f64>f32x4.extract_lane(e, 0);
  }
  const factor: f32 = normalised ? <f32>(<f64>size / total) : 1;
  const factor4 = f32x4.splat(factor);
  const minimum4 = f32x4.splat(minimum);
  const maximum4 = f32x4.splat(maximum);
  for (at = 0; at + 16 <= end; at += 16) {
    const weight = f32x4.mul(v128.load(out + at), factor4);
    v128.store(out + at, f32x4.min(f32x4.max(weight, minimum4), maximum4));
  }
  for (; at < end; at += 4) {
    const weight = load<f32>(out + at) * factor;
    store<f32>(out + at, min<f32>(max<f32>(weight, minimum), maximum));
  }
}

/** NaN where one is. */
function largestOf(logits: usize, end: usize): f32 {
  let largest4 = f32x4.splat(-Infinity);
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) largest4 = f32x4.max(largest4, v128.load(logits + at));
  let largest = max<f32>(
    max<f32>(f32x4.extract_lane(largest4, 0), f32x4.extract_lane(largest4, 1)),
    max<f32>(f32x4.extract_lane(largest4, 2), f32x4.extract_lane(largest4, 3)),
  );
  for (; at < end; at += 4) largest = max<f32>(largest, load<f32>(logits + at));
  return largest;
}

/**
 * The gradient of `attention` by the logits. With A the attention before clipping, and g = dy where A is within the
 * limits, else 0: dLogits = A · (g - mean of A · g) / temperature; not normalised, A · g / temperature.
 */
export function attentionGrad(
  dy: usize,
  logits: usize,
  dLogits: usize,
  size: i32,
  normalised: bool,
  temperature: f32,
  minimum: f32,
  maximum: f32,
): void {
  attention(logits, dLogits, size, normalised, temperature, -Infinity, Infinity);
  attentionGradOf(dy, dLogits, size, normalised, temperature, minimum, maximum);
}

/** out = min(max(weights, minimum), maximum). */
export function clip(weights: usize, out: usize, size: i32, minimum: f32, maximum: f32): void {
  const end = (<usize>size) << 2;
  const minimum4 = f32x4.splat(minimum);
  const maximum4 = f32x4.splat(maximum);
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    v128.store(out + at, f32x4.min(f32x4.max(v128.load(weights + at), minimum4), maximum4));
  }
  for (; at < end; at += 4) {
    store<f32>(out + at, min<f32>(max<f32>(load<f32>(weights + at), minimum), maximum));
  }
}

/** The same where the attention before clipping is known: `dLogits` holds it, and makes room for the gradient. */
export function attentionGradOf(
  dy: usize,
  dLogits: usize,
  size: i32,
  normalised: bool,
  temperature: f32,
  minimum: f32,
  maximum: f32,
): void {
  const end = (<usize>size) << 2;
  let total: f64 = 0;
  for (let at: usize = 0; at < end; at += 4) {
    const weight = load<f32>(dLogits + at);
    if (weight >= minimum && weight <= maximum) total += <f64>weight * <f64>load<f32>(dy + at);
  }
  const mean: f32 = normalised ? <f32>(total / <f64>size) : 0;
  const mean4 = f32x4.splat(mean);
  const temperature4 = f32x4.splat(temperature);
  const minimum4 = f32x4.splat(minimum);
  const maximum4 = f32x4.splat(maximum);
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const weight = v128.load(dLogits + at);
    const within = v128.and(f32x4.ge(weight, minimum4), f32x4.le(weight, maximum4));
    const gradient = v128.and(v128.load(dy + at), within);
    const factor = normalised ? weight : f32x4.min(weight, maximum4);
    v128.store(dLogits + at, f32x4.div(f32x4.mul(factor, f32x4.sub(gradient, mean4)), temperature4));
  }
  for (; at < end; at += 4) {
    const weight = load<f32>(dLogits + at);
    const gradient = weight >= minimum && weight <= maximum ? load<f32>(dy + at) : 0;
    // Unnormalised it may be infinite, and times zero it would be NaN.
    const factor: f32 = normalised ? weight : min<f32>(weight, maximum);
    store<f32>(dLogits + at, (factor * (gradient - mean)) / temperature);
  }
}
