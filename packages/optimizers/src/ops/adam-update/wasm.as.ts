// One step of Adam over one variable: every operand is read once and every result written once. A result may lie where
// its operand does.

import { areSame, BURST, PIECE_BYTES } from '../../backends/wasm/catching-up.as';
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
 * what `adamUpdate` does where g is 0.
 *
 * @param runs so many of them one after the other: the number of steps, rate to decay, as `adamUpdate` has them
 * @param zeros a piece of zeros, and 3 of scratch memory
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
  zeros: usize,
): void {
  const lastRun = runs + <usize>count * RUN;
  begin(n, rowLength, blockRows, blockColumns, pointers, indices);
  while (next()) {
    for (let at = start; at < end; at += PIECE_BYTES) {
      catchUp(w + at, m + at, v + at, min(PIECE_BYTES, end - at), runs, lastRun, zeros);
    }
  }
}

/** Bytes: the number of steps, and eight settings. */
const RUN: usize = 36;

/** Of a piece. */
function catchUp(w: usize, m: usize, v: usize, bytes: usize, runs: usize, lastRun: usize, zeros: usize): void {
  const size = <i32>(bytes >> 2);
  const before = zeros + PIECE_BYTES;
  for (let run = runs; run < lastRun; run += RUN) {
    // Where all is 0 it stays so, as 0 / epsilon is 0.
    if (load<f32>(run, 24) > 0 && areSame(w, zeros, bytes) && areSame(m, zeros, bytes) && areSame(v, zeros, bytes)) {
      continue;
    }
    for (let left = load<i32>(run); left > 0; ) {
      const steps = min(left, BURST);
      if (steps == BURST) {
        memory.copy(before, w, bytes);
        memory.copy(before + PIECE_BYTES, m, bytes);
        memory.copy(before + 2 * PIECE_BYTES, v, bytes);
      }
      for (let i = 0; i < steps; i++) {
        adamUpdate(
          w,
          zeros,
          m,
          v,
          w,
          m,
          v,
          size,
          load<f32>(run, 4),
          load<f32>(run, 8),
          load<f32>(run, 12),
          load<f32>(run, 16),
          load<f32>(run, 20),
          load<f32>(run, 24),
          load<f32>(run, 28),
          load<f32>(run, 32),
        );
      }
      left -= steps;
      if (steps == BURST && areSame(w, before, bytes) && areSame(m, before + PIECE_BYTES, bytes) && areSame(v, before + 2 * PIECE_BYTES, bytes)) left %= BURST;
    }
  }
}
