// One step of SGD with momentum over one variable: every operand is read once and every result written once. A result may lie where
// its operand does.

import { BURST, decayOf, moved4 } from '../../backends/wasm/catching-up.as';
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
 * Steps without a gradient, outside of the kept blocks of a matrix [n, m], in place: to each weight and velocity what
 * `momentumUpdate` does where g is 0, to the bit.
 *
 * @param runs so many of them one after the other: the number of steps, rate, momentum, decay, 1 for nesterov
 * @param scratch 128 bytes
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
  scratch: usize,
): void {
  const lastRun = runs + <usize>count * RUN;
  begin(n, m, blockRows, blockColumns, pointers, indices);
  while (next()) {
    let at = start;
    for (; at + 64 <= end; at += 64) catchUp(w + at, v + at, runs, lastRun);
    if (at < end) {
      memory.copy(scratch, w + at, end - at);
      memory.copy(scratch + 64, v + at, end - at);
      catchUp(scratch, scratch + 64, runs, lastRun);
      memory.copy(w + at, scratch, end - at);
      memory.copy(v + at, scratch + 64, end - at);
    }
  }
}

/** The number of steps, rate, momentum, decay, nesterov. */
const RUN: usize = 20;

/** Of 16 weights. */
function catchUp(w: usize, v: usize, runs: usize, lastRun: usize): void {
  let w0 = v128.load(w);
  let w1 = v128.load(w, 16);
  let w2 = v128.load(w, 32);
  let w3 = v128.load(w, 48);
  let v0 = v128.load(v);
  let v1 = v128.load(v, 16);
  let v2 = v128.load(v, 32);
  let v3 = v128.load(v, 48);
  for (let run = runs; run < lastRun; run += RUN) {
    const rate4 = v128.load32_splat(run, 4);
    const momentum4 = v128.load32_splat(run, 8);
    const decay4 = v128.load32_splat(run, 12);
    const nesterov = load<f32>(run, 16) != 0;
    for (let left = load<i32>(run); left > 0; ) {
      const steps = min(left, BURST);
      v128.store(w, w0);
      v128.store(w, w1, 16);
      v128.store(w, w2, 32);
      v128.store(w, w3, 48);
      v128.store(v, v0);
      v128.store(v, v1, 16);
      v128.store(v, v2, 32);
      v128.store(v, v3, 48);
      for (let i = 0; i < steps; i++) {
        const d0 = decayOf(w0, decay4);
        const d1 = decayOf(w1, decay4);
        const d2 = decayOf(w2, decay4);
        const d3 = decayOf(w3, decay4);
        v0 = f32x4.add(f32x4.mul(momentum4, v0), d0);
        v1 = f32x4.add(f32x4.mul(momentum4, v1), d1);
        v2 = f32x4.add(f32x4.mul(momentum4, v2), d2);
        v3 = f32x4.add(f32x4.mul(momentum4, v3), d3);
        if (nesterov) {
          w0 = f32x4.sub(w0, f32x4.mul(rate4, f32x4.add(d0, f32x4.mul(momentum4, v0))));
          w1 = f32x4.sub(w1, f32x4.mul(rate4, f32x4.add(d1, f32x4.mul(momentum4, v1))));
          w2 = f32x4.sub(w2, f32x4.mul(rate4, f32x4.add(d2, f32x4.mul(momentum4, v2))));
          w3 = f32x4.sub(w3, f32x4.mul(rate4, f32x4.add(d3, f32x4.mul(momentum4, v3))));
        } else {
          w0 = f32x4.sub(w0, f32x4.mul(rate4, v0));
          w1 = f32x4.sub(w1, f32x4.mul(rate4, v1));
          w2 = f32x4.sub(w2, f32x4.mul(rate4, v2));
          w3 = f32x4.sub(w3, f32x4.mul(rate4, v3));
        }
      }
      left -= steps;
      if (steps < BURST || moved4(w, w0, w1, w2, w3) || moved4(v, v0, v1, v2, v3)) continue;
      left %= BURST;
    }
  }
  v128.store(w, w0);
  v128.store(w, w1, 16);
  v128.store(w, w2, 32);
  v128.store(w, w3, 48);
  v128.store(v, v0);
  v128.store(v, v1, 16);
  v128.store(v, v2, 32);
  v128.store(v, v3, 48);
}
