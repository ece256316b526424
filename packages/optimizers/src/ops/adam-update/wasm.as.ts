// One step of Adam over one variable: every operand is read once and every result written once. A result may lie where
// its operand does.

import { decayOf } from '../../backends/wasm/catching-up.as';
import { begin, end, next, start } from '../../backends/wasm/segments.as';

/**
 * Adam (Kingma and Ba, 2015, algorithm 1) with L2 weight decay, as PyTorch's Adam defines it:
 * d = g + decay · w; m' = beta1 · m + (1 - beta1) · d; v' = beta2 · v + (1 - beta2) · d²;
 * w' = w - rate · m' / (root · sqrt(v') + epsilon).
 *
 * @param rate the learning rate over 1 - beta1^t
 * @param root 1 / sqrt(1 - beta2^t)
 */
export function adamUpdate(
  w: usize,
  g: usize,
  m: usize,
  v: usize,
  newW: usize,
  newM: usize,
  newV: usize,
  size: i32,
  rate: f32,
  beta1: f32,
  oneMinusBeta1: f32,
  beta2: f32,
  oneMinusBeta2: f32,
  epsilon: f32,
  root: f32,
  decay: f32,
): void {
  const end = (<usize>size) << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const weight = v128.load(w + at);
    const d = f32x4.add(v128.load(g + at), f32x4.mul(f32x4.splat(decay), weight));
    const first = f32x4.add(
      f32x4.mul(f32x4.splat(beta1), v128.load(m + at)),
      f32x4.mul(f32x4.splat(oneMinusBeta1), d),
    );
    const second = f32x4.add(
      f32x4.mul(f32x4.splat(beta2), v128.load(v + at)),
      f32x4.mul(f32x4.splat(oneMinusBeta2), f32x4.mul(d, d)),
    );
    const spread = f32x4.add(f32x4.mul(f32x4.splat(root), f32x4.sqrt(second)), f32x4.splat(epsilon));
    v128.store(newM + at, first);
    v128.store(newV + at, second);
    v128.store(newW + at, f32x4.sub(weight, f32x4.div(f32x4.mul(f32x4.splat(rate), first), spread)));
  }
  for (; at < end; at += 4) {
    const weight = load<f32>(w + at);
    const d = load<f32>(g + at) + decay * weight;
    const first = beta1 * load<f32>(m + at) + oneMinusBeta1 * d;
    const second = beta2 * load<f32>(v + at) + oneMinusBeta2 * (d * d);
    store<f32>(newM + at, first);
    store<f32>(newV + at, second);
    store<f32>(newW + at, weight - (rate * first) / (root * sqrt<f32>(second) + epsilon));
  }
}

/**
 * Steps without a gradient, outside of the kept blocks of a matrix [n, rowLength], in place: to each weight and its moments
 * what `adamUpdate` does where g is 0, to the bit.
 *
 * @param runs so many of them one after the other: the number of steps, then rate to decay, as `adamUpdate` has them
 * @param scratch 192 bytes
 */
export function adamCatchUp(
  w: usize,
  m: usize,
  v: usize,
  n: i32,
  rowLength: i32,
  blockRows: i32,
  blockColumns: i32,
  pointers: usize,
  indices: usize,
  runs: usize,
  count: i32,
  scratch: usize,
): void {
  const lastRun = runs + <usize>count * RUN;
  begin(n, rowLength, blockRows, blockColumns, pointers, indices);
  while (next()) {
    let at = start;
    for (; at + 32 <= end; at += 32) catchUp(w + at, m + at, v + at, runs, lastRun);
    if (at < end) {
      const bytes = end - at;
      memory.copy(scratch, w + at, bytes);
      memory.copy(scratch + 64, m + at, bytes);
      memory.copy(scratch + 128, v + at, bytes);
      catchUp(scratch, scratch + 64, scratch + 128, runs, lastRun);
      memory.copy(w + at, scratch, bytes);
      memory.copy(m + at, scratch + 64, bytes);
      memory.copy(v + at, scratch + 128, bytes);
    }
  }
}

/** The number of steps, and eight settings. */
const RUN: usize = 36;

/** Of 8 weights. */
function catchUp(w: usize, m: usize, v: usize, runs: usize, lastRun: usize): void {
  let w0 = v128.load(w);
  let w1 = v128.load(w, 16);
  let m0 = v128.load(m);
  let m1 = v128.load(m, 16);
  let v0 = v128.load(v);
  let v1 = v128.load(v, 16);
  for (let run = runs; run < lastRun; run += RUN) {
    const rate = v128.load32_splat(run, 4);
    const beta1 = v128.load32_splat(run, 8);
    const oneMinusBeta1 = v128.load32_splat(run, 12);
    const beta2 = v128.load32_splat(run, 16);
    const oneMinusBeta2 = v128.load32_splat(run, 20);
    const epsilon = v128.load32_splat(run, 24);
    const root = v128.load32_splat(run, 28);
    const decay = v128.load32_splat(run, 32);
    // Where all is 0 it stays so, as 0 / epsilon is 0.
    const first = v128.or(v128.or(w0, m0), v128.or(v0, w1));
    if (!v128.any_true(v128.or(first, v128.or(m1, v1))) && load<f32>(run, 24) > 0) continue;
    for (let left = load<i32>(run); left > 0; left--) {
      const d0 = decayOf(w0, decay);
      const d1 = decayOf(w1, decay);
      m0 = f32x4.add(f32x4.mul(beta1, m0), f32x4.mul(oneMinusBeta1, d0));
      m1 = f32x4.add(f32x4.mul(beta1, m1), f32x4.mul(oneMinusBeta1, d1));
      v0 = f32x4.add(f32x4.mul(beta2, v0), f32x4.mul(oneMinusBeta2, f32x4.mul(d0, d0)));
      v1 = f32x4.add(f32x4.mul(beta2, v1), f32x4.mul(oneMinusBeta2, f32x4.mul(d1, d1)));
      const spread0 = f32x4.add(f32x4.mul(root, f32x4.sqrt(v0)), epsilon);
      const spread1 = f32x4.add(f32x4.mul(root, f32x4.sqrt(v1)), epsilon);
      w0 = f32x4.sub(w0, f32x4.div(f32x4.mul(rate, m0), spread0));
      w1 = f32x4.sub(w1, f32x4.div(f32x4.mul(rate, m1), spread1));
    }
  }
  v128.store(w, w0);
  v128.store(w, w1, 16);
  v128.store(m, m0);
  v128.store(m, m1, 16);
  v128.store(v, v0);
  v128.store(v, v1, 16);
}
