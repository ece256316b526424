// One step of SGD over one variable: every operand is read once and every result written once. A result may lie where
// its operand does.

import { BURST, decayOf, moved4 } from '../../backends/wasm/catching-up.as';
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
 * Steps without a gradient, outside of the kept blocks of a matrix [n, m], in place: to each weight what `sgdUpdate` does
 * where g is 0, to the bit.
 *
 * @param runs so many of them one after the other: the number of steps, rate, decay
 * @param scratch 64 bytes
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
  scratch: usize,
): void {
  const lastRun = runs + <usize>count * RUN;
  begin(n, m, blockRows, blockColumns, pointers, indices);
  while (next()) {
    let at = start;
    for (; at + 64 <= end; at += 64) catchUp(w + at, runs, lastRun);
    if (at < end) {
      memory.copy(scratch, w + at, end - at);
      catchUp(scratch, runs, lastRun);
      memory.copy(w + at, scratch, end - at);
    }
  }
}

/** The number of steps, rate, decay. */
const RUN: usize = 12;

/** Of 16 weights. */
function catchUp(w: usize, runs: usize, lastRun: usize): void {
  let w0 = v128.load(w);
  let w1 = v128.load(w, 16);
  let w2 = v128.load(w, 32);
  let w3 = v128.load(w, 48);
  for (let run = runs; run < lastRun; run += RUN) {
    const rate4 = v128.load32_splat(run, 4);
    const decay4 = v128.load32_splat(run, 8);
    for (let left = load<i32>(run); left > 0; ) {
      const steps = min(left, BURST);
      v128.store(w, w0);
      v128.store(w, w1, 16);
      v128.store(w, w2, 32);
      v128.store(w, w3, 48);
      for (let i = 0; i < steps; i++) {
        w0 = f32x4.sub(w0, f32x4.mul(rate4, decayOf(w0, decay4)));
        w1 = f32x4.sub(w1, f32x4.mul(rate4, decayOf(w1, decay4)));
        w2 = f32x4.sub(w2, f32x4.mul(rate4, decayOf(w2, decay4)));
        w3 = f32x4.sub(w3, f32x4.mul(rate4, decayOf(w3, decay4)));
      }
      left -= steps;
      if (steps == BURST && !moved4(w, w0, w1, w2, w3)) left %= BURST;
    }
  }
  v128.store(w, w0);
  v128.store(w, w1, 16);
  v128.store(w, w2, 32);
  v128.store(w, w3, 48);
}
