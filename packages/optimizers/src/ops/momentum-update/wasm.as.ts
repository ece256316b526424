// One step of SGD with momentum over one variable: every operand is read once and every result written once. A result may lie where
// its operand does.

import { areSame, BURST, PIECE_BYTES } from '../../backends/wasm/catching-up.as';
import { begin, end, next, start } from '../../backends/wasm/segments.as';

/**
 * SGD with momentum, as PyTorch defines it: d = g + decay · w; v' = momentum · v + d;
 * w' = w - rate · (nesterov ? d + momentum · v' : v').
 */
export function momentumUpdate(
  w: usize,
  g: usize,
  v: usize,
  newW: usize,
  newV: usize,
  size: i32,
  rate: f32,
  momentum: f32,
  decay: f32,
  nesterov: bool,
): void {
  const rate4 = f32x4.splat(rate);
  const momentum4 = f32x4.splat(momentum);
  const decay4 = f32x4.splat(decay);
  const end = (<usize>size) << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const weight = v128.load(w + at);
    const gradient = f32x4.add(v128.load(g + at), f32x4.mul(decay4, weight));
    const velocity = f32x4.add(f32x4.mul(momentum4, v128.load(v + at)), gradient);
    const step = nesterov ? f32x4.add(gradient, f32x4.mul(momentum4, velocity)) : velocity;
    v128.store(newV + at, velocity);
    v128.store(newW + at, f32x4.sub(weight, f32x4.mul(rate4, step)));
  }
  for (; at < end; at += 4) {
    const weight = load<f32>(w + at);
    const gradient = load<f32>(g + at) + decay * weight;
    const velocity = momentum * load<f32>(v + at) + gradient;
    const step = nesterov ? gradient + momentum * velocity : velocity;
    store<f32>(newV + at, velocity);
    store<f32>(newW + at, weight - rate * step);
  }
}

/**
 * Steps without a gradient, outside of the kept blocks of a matrix [n, m], in place: to each weight and velocity
 * what `momentumUpdate` does where g is 0.
 *
 * @param runs so many of them one after the other: the number of steps, rate, momentum, decay, 1 for nesterov
 * @param zeros a piece of zeros, and 2 of scratch memory
 */
export function momentumCatchUp(
  w: usize,
  v: usize,
  n: i32,
  m: i32,
  blockRows: i32,
  blockColumns: i32,
  pointers: usize,
  indices: usize,
  runs: usize,
  count: i32,
  zeros: usize,
): void {
  const lastRun = runs + <usize>count * RUN;
  begin(n, m, blockRows, blockColumns, pointers, indices);
  while (next()) {
    for (let at = start; at < end; at += PIECE_BYTES) {
      catchUp(w + at, v + at, min(PIECE_BYTES, end - at), runs, lastRun, zeros);
    }
  }
}

/** Bytes: the number of steps, rate, momentum, decay, 1 for nesterov. */
const RUN: usize = 20;

/** Of a piece. */
function catchUp(w: usize, v: usize, bytes: usize, runs: usize, lastRun: usize, zeros: usize): void {
  const size = <i32>(bytes >> 2);
  const before = zeros + PIECE_BYTES;
  for (let run = runs; run < lastRun; run += RUN) {
    for (let left = load<i32>(run); left > 0; ) {
      const steps = min(left, BURST);
      if (steps == BURST) {
        memory.copy(before, w, bytes);
        memory.copy(before + PIECE_BYTES, v, bytes);
      }
      for (let i = 0; i < steps; i++) {
        momentumUpdate(
          w,
          zeros,
          v,
          w,
          v,
          size,
          load<f32>(run, 4),
          load<f32>(run, 8),
          load<f32>(run, 12),
          load<f32>(run, 16) != 0,
        );
      }
      left -= steps;
      if (steps == BURST && areSame(w, before, bytes) && areSame(v, before + PIECE_BYTES, bytes)) left %= BURST;
    }
  }
}
