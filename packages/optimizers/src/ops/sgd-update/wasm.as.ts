// One step of SGD over one variable: every operand is read once and every result written once. A result may lie where
// its operand does.

import { areSame, BURST, PIECE_BYTES } from '../../backends/wasm/catching-up.as';
import { begin, end, next, start } from '../../backends/wasm/segments.as';

/** SGD without momentum: w' = w - rate · (g + decay · w). Every pointer is to `size` floats. */
export function sgdUpdate(w: usize, g: usize, newW: usize, size: i32, rate: f32, decay: f32): void {
  const rate4 = f32x4.splat(rate);
  const decay4 = f32x4.splat(decay);
  const end = (<usize>size) << 2;
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const weight = v128.load(w + at);
    const step = f32x4.add(v128.load(g + at), f32x4.mul(decay4, weight));
    v128.store(newW + at, f32x4.sub(weight, f32x4.mul(rate4, step)));
  }
  for (; at < end; at += 4) {
    const weight = load<f32>(w + at);
    const step = load<f32>(g + at) + decay * weight;
    store<f32>(newW + at, weight - rate * step);
  }
}

/**
 * Steps without a gradient, outside of the kept blocks of a matrix [n, m], in place: to each weight
 * what `sgdUpdate` does where g is 0.
 *
 * @param runs so many of them one after the other: the number of steps, rate, decay
 * @param zeros a piece of zeros, and 1 of scratch memory
 */
export function sgdCatchUp(
  w: usize,
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
      catchUp(w + at, min(PIECE_BYTES, end - at), runs, lastRun, zeros);
    }
  }
}

/** Bytes: the number of steps, rate, decay. */
const RUN: usize = 12;

/** Of a piece. */
function catchUp(w: usize, bytes: usize, runs: usize, lastRun: usize, zeros: usize): void {
  const size = <i32>(bytes >> 2);
  const before = zeros + PIECE_BYTES;
  for (let run = runs; run < lastRun; run += RUN) {
    for (let left = load<i32>(run); left > 0; ) {
      const steps = min(left, BURST);
      if (steps == BURST) {
        memory.copy(before, w, bytes);
      }
      for (let i = 0; i < steps; i++) {
        sgdUpdate(w, zeros, w, size, load<f32>(run, 4), load<f32>(run, 8));
      }
      left -= steps;
      if (steps == BURST && areSame(w, before, bytes)) left %= BURST;
    }
  }
}
