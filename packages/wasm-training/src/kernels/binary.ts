// Add, Sub, Multiply, RealDiv, SquaredDifference, Maximum and Minimum of floats for the wasm backend: the stock kernels run element by
// element where the operands' shapes differ. The arithmetic is in assembly/elementwise.ts.

import { type WasmKernel, newOutput, offsetOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { acceleratorsOf } from '../accelerators/accelerator.js';
import type { KernelSet } from '../kernel-set.js';
import { kernelsOf } from '../wasm/link.js';

/** Numbers of assembly/elementwise.ts. */
const KINDS = {
  Add: 0,
  Sub: 1,
  Multiply: 2,
  RealDiv: 3,
  SquaredDifference: 4,
  Maximum: 5,
  Minimum: 6,
} as const;

/** Inputs a and b with shapes that broadcast; other types and tangled broadcasts are left to the stock kernel. */
function operation(kind: number): (stock: WasmKernel) => WasmKernel {
  return (stock) => (call) => {
    const { a, b } = call.inputs as Record<string, tf.TensorInfo>;
    if (a!.dtype !== 'float32' || b!.dtype !== 'float32') return stock(call);
    const shape = tf.broadcast_util.assertAndGetBroadcastShape(a!.shape, b!.shape);
    const layout = broadcastLayout(a!.shape, b!.shape, shape);
    if (!layout) return stock(call);
    const { backend } = call;
    const out = newOutput(backend, shape);
    const operands = [offsetOf(backend, a!), offsetOf(backend, b!), offsetOf(backend, out)] as const;
    const isSum = kind === KINDS.Add && tf.util.arraysEqual(a!.shape, b!.shape);
    const size = tf.util.sizeFromShape(shape);
    if (isSum && acceleratorsOf(backend).some((each) => each.elementwise?.('add', size, operands)))
      return out;
    kernelsOf(backend).exports.binary(kind, ...operands, ...layout);
    return out;
  };
}

/** Steps through operands and result [outer, inner], in elements. */
export type BroadcastLayout = [
  outer: number,
  inner: number,
  aOuter: number,
  aInner: number,
  bOuter: number,
  bInner: number,
];

/**
 * Merges the axes of a broadcast into at most two, or null if it takes more. Axes merge when they are neighbours and
 * the same operands have them; those of length one count for nothing.
 */
export function broadcastLayout(
  a: readonly number[],
  b: readonly number[],
  out: readonly number[],
): BroadcastLayout | null {
  const merged: { size: number; inA: boolean; inB: boolean }[] = [];
  for (const [axis, size] of out.entries()) {
    if (size === 1) continue;
    const inA = a[axis - out.length + a.length] === size;
    const inB = b[axis - out.length + b.length] === size;
    const last = merged.at(-1);
    if (last?.inA === inA && last.inB === inB) last.size *= size;
    else merged.push({ size, inA, inB });
  }
  if (merged.length > 2) return null;
  const whole = { size: 1, inA: true, inB: true };
  const inner = merged.at(-1) ?? whole;
  const outer = merged.length === 2 ? merged[0]! : whole;
  const outerStep = (has: boolean, hasInner: boolean) => (has ? (hasInner ? inner.size : 1) : 0);
  return [
    outer.size,
    inner.size,
    outerStep(outer.inA, inner.inA),
    Number(inner.inA),
    outerStep(outer.inB, inner.inB),
    Number(inner.inB),
  ];
}

export const binary: KernelSet = {
  replaced: Object.fromEntries(Object.entries(KINDS).map(([name, kind]) => [name, operation(kind)])),
};
