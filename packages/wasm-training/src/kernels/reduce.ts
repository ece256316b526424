// The kernels Sum and Mean for the wasm backend, and their gradients. The stock ones transpose first unless the innermost axes are summed,
// and add up in single precision (2^24 ones and one more make 2^24). The arithmetic is in assembly/reduce.ts.

import { type WasmCall, type WasmKernel, floatInput, newOutput, offsetOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { FusedGradient, KernelSet } from '../kernel-set.js';
import { kernelsOf } from '../wasm/link.js';

/** Sum: x of any shape, attrs { axis, keepDims } → x without those axes. */
function sum(stock: WasmKernel): WasmKernel {
  return (call) => reduce(call, () => 1) ?? stock(call);
}

/** Mean: as Sum, over the number of elements. */
function mean(stock: WasmKernel): WasmKernel {
  return (call) => reduce(call, meanFactor) ?? stock(call);
}

/** The mean of nothing is 0, as on the cpu backend. */
function meanFactor(length: number): number {
  return length === 0 ? 0 : 1 / length;
}

/** The reduction if it is over neighbouring axes of floats, else null. */
function reduce(
  { inputs, attrs, backend }: WasmCall,
  factor: (length: number) => number,
): tf.TensorInfo | null {
  const x = inputs['x']!;
  const axes = tf.util.parseAxisParam(attrs['axis'] as number | number[], x.shape);
  const extent = x.dtype === 'float32' ? middleExtent(x.shape, axes) : null;
  if (!extent) return null;
  const [outer, length, inner] = extent;
  const shape = attrs['keepDims']
    ? x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
    : x.shape.filter((_, axis) => !axes.includes(axis));
  const out = newOutput(backend, shape);
  const { exports } = kernelsOf(backend);
  exports.sumMiddle(offsetOf(backend, x), offsetOf(backend, out), outer, length, inner, factor(length));
  return out;
}

const SPREAD = 'Spread';

/** Kernel Spread: x, attrs { shape, axes, factor } → factor · x, repeated along the axes that `shape` has beyond it. */
function spread(call: WasmCall): tf.TensorInfo {
  const { attrs, backend } = call;
  const x = floatInput(SPREAD, 'x', call);
  const { shape, axes, factor } = attrs as unknown as { shape: number[]; axes: number[]; factor: number };
  const extent = middleExtent(shape, axes);
  if (!extent || tf.util.sizeFromShape(x.shape) !== extent[0] * extent[2]) {
    throw new RangeError(`${SPREAD}: [${x.shape}] cannot be repeated along the axes ${axes} of [${shape}]`);
  }
  const out = newOutput(backend, shape);
  const { exports } = kernelsOf(backend);
  exports.spreadMiddle(offsetOf(backend, x), offsetOf(backend, out), ...extent, factor);
  return out;
}

/** The gradient function of Sum or Mean; null for the cases that these leave to the stock kernel. */
function reductionGradient(factor: (length: number) => number): FusedGradient {
  return (dy, [x], attrs) => {
    const { shape, dtype } = x!;
    const axes = tf.util.parseAxisParam(attrs['axis'] as number | number[], shape);
    const extent = dtype === 'float32' ? middleExtent(shape, axes) : null;
    if (!extent) return null;
    const settings = { shape, axes, factor: factor(extent[1]) };
    return { x: () => tf.engine().runKernel(SPREAD, { x: dy as tf.Tensor }, settings) as tf.Tensor };
  };
}

/**
 * The shape as [outer, length, inner] such that the axes are the middle one, or null if they are not neighbours
 * (axes of length one stand in nobody's way). Where nothing is summed, the length is 0.
 */
export function middleExtent(
  shape: readonly number[],
  axes: readonly number[],
): [number, number, number] | null {
  const kept = shape.filter((_, axis) => !axes.includes(axis));
  if (shape.includes(0)) return [kept.reduce((product, size) => product * size, 1), 0, 1];
  const extent: [number, number, number] = [1, 1, 1];
  let part: 0 | 1 | 2 = 0;
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const reduced = axes.includes(axis);
    if (reduced && part === 2) return null;
    if (reduced) part = 1;
    else if (part === 1) part = 2;
    extent[part] *= size;
  }
  return extent;
}

export const reduction: KernelSet = {
  replaced: { Sum: sum, Mean: mean },
  added: { [SPREAD]: spread },
  gradients: { Sum: reductionGradient(() => 1), Mean: reductionGradient(meanFactor) },
};
