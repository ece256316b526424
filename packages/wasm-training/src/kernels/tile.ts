// The kernel Tile of floats for the wasm backend, which tf.tile and tf.broadcastTo call: the stock kernel goes element by
// element. Where one run of elements is repeated, it is copied whole, by the kernel that spreads the gradient of a sum.

import { type WasmKernel, newOutput, offsetOf } from '@espalier/blocks';

import type { KernelSet } from '../kernel-set.js';
import { kernelsOf } from '../wasm/link.js';

/** Tile: x, attrs { reps } → x repeated along each axis. Other types and tangled repeats are left to the stock kernel. */
function repeat(stock: WasmKernel): WasmKernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const x = inputs['x']!;
    const reps = attrs['reps'] as number[];
    const layout = x.dtype === 'float32' ? tileLayout(x.shape, reps) : null;
    if (!layout) return stock(call);
    const out = newOutput(
      backend,
      x.shape.map((size, axis) => size * reps[axis]!),
    );
    kernelsOf(backend).exports.spreadMiddle(offsetOf(backend, x), offsetOf(backend, out), ...layout, 1);
    return out;
  };
}

/**
 * The shape as [outer, inner] such that tiling repeats every run of `inner` elements `repeat` times, or null if it is
 * not so simple.
 */
export function tileLayout(
  shape: readonly number[],
  reps: readonly number[],
): [outer: number, repeat: number, inner: number] | null {
  let [outer, repeat, inner] = [1, 1, 1];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!;
    const times = reps[axis]!;
    if (repeat === 1) {
      // Nothing within this axis is repeated: it is part of the run.
      inner *= size;
      repeat = times;
    } else if (size === 1 && outer === 1) {
      repeat *= times;
    } else if (times === 1) {
      outer *= size;
    } else {
      return null;
    }
  }
  return [outer, repeat, inner];
}

export const tile: KernelSet = { replaced: { Tile: repeat } };
