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
  if (normalised) {
    for (let at: usize = 0; at < end; at += 4) largest = max<f32>(largest, load<f32>(logits + at));
  }
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
  for (at = 0; at < end; at += 4) {
    const weight = load<f32>(out + at) * factor;
    store<f32>(out + at, min<f32>(max<f32>(weight, minimum), maximum));
  }
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
  const end = (<usize>size) << 2;
  attention(logits, dLogits, size, normalised, temperature, -Infinity, Infinity);
  let total: f64 = 0;
  for (let at: usize = 0; at < end; at += 4) {
    const weight = load<f32>(dLogits + at);
    if (weight >= minimum && weight <= maximum) total += <f64>weight * <f64>load<f32>(dy + at);
  }
  const mean: f32 = normalised ? <f32>(total / <f64>size) : 0;
  for (let at: usize = 0; at < end; at += 4) {
    const weight = load<f32>(dLogits + at);
    const gradient = weight >= minimum && weight <= maximum ? load<f32>(dy + at) : 0;
    // Unnormalised it may be infinite, and times zero it would be NaN.
    const factor: f32 = normalised ? weight : min<f32>(weight, maximum);
    store<f32>(dLogits + at, (factor * (gradient - mean)) / temperature);
  }
}
