// The kernels BatchMatMul and _FusedMatMul of tfjs for the wasm backend: every transposition at one speed, batches
// with broadcasting, bias and activation in the same call. Where they are computed is decided in products/dispatch.ts.

import { type WasmCall, type WasmBackend, type WasmKernel, newOutput, offsetOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { KernelSet } from '../kernel-set.js';
import { multiply } from '../products/dispatch.js';
import { PLAIN, epilogueArguments, epilogueOf, type Epilogue } from '../products/epilogue.js';
import type { Product } from '../wasm/exports.js';

/** BatchMatMul: inputs a [..., m, k] and b [..., k, n], either transposed; output [..., m, n]. */
function batchMatMul(stock: WasmKernel): WasmKernel {
  return (call) => {
    const { a, b, transposeA, transposeB } = operands(call);
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return stock(call);
    return multiplyAll(call.backend, a, b, transposeA, transposeB, PLAIN);
  };
}

/** _FusedMatMul: BatchMatMul, then + bias [n], then an activation. */
function fusedMatMul(stock: WasmKernel): WasmKernel {
  return (call) => {
    const { a, b, transposeA, transposeB } = operands(call);
    const columns = b.shape[b.shape.length - (transposeB ? 2 : 1)]!;
    const epilogue = epilogueOf(call, columns);
    if (!epilogue || a.dtype !== 'float32' || b.dtype !== 'float32') return stock(call);
    return multiplyAll(call.backend, a, b, transposeA, transposeB, epilogue);
  };
}

function operands({ inputs, attrs }: WasmCall) {
  return {
    a: inputs['a']!,
    b: inputs['b']!,
    transposeA: Boolean(attrs['transposeA']),
    transposeB: Boolean(attrs['transposeB']),
  };
}

/**
 * op(a) · op(b) for every pair of matrices that broadcasting the batch dimensions gives.
 *
 * @throws if the inner dimensions differ or the batch dimensions do not broadcast
 */
function multiplyAll(
  backend: WasmBackend,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
  epilogue: Epilogue,
): tf.TensorInfo {
  const [m, k] = matrixShape(a, transposeA);
  const [innerB, n] = matrixShape(b, transposeB);
  if (k !== innerB) {
    throw new Error(
      `matMul: the inner dimensions ${k} and ${innerB} differ, for shapes [${a.shape}] and [${b.shape}], ` +
        `transposeA=${transposeA}, transposeB=${transposeB}.`,
    );
  }
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  const out = newOutput(backend, [...batch, m, n]);
  const aOffset = offsetOf(backend, a);
  const bOffset = offsetOf(backend, b);
  const outOffset = offsetOf(backend, out);
  const finish = epilogueArguments(backend, epilogue);
  const matricesA = broadcastIndices(batchA, batch);
  const matricesB = broadcastIndices(batchB, batch);
  for (let i = 0; i < matricesA.length; i++) {
    const [aMatrix, bMatrix] = [aOffset + 4 * m * k * matricesA[i]!, bOffset + 4 * k * n * matricesB[i]!];
    const product: Product = [
      transposeA,
      transposeB,
      m,
      n,
      k,
      aMatrix,
      bMatrix,
      outOffset + 4 * m * n * i,
      false,
    ];
    multiply(backend, product, finish);
  }
  return out;
}

/** Rows and columns of op(x). */
function matrixShape({ shape }: tf.TensorInfo, transpose: boolean): [number, number] {
  const rows = shape[shape.length - 2]!;
  const columns = shape[shape.length - 1]!;
  return transpose ? [columns, rows] : [rows, columns];
}

/** For each element of the shape `to`, in order, the flat index of the element of `from` broadcast there. */
export function broadcastIndices(from: readonly number[], to: readonly number[]): number[] {
  let indices = [0];
  if (sizeOf(to) === 1) return indices;
  let stride = sizeOf(from);
  to.forEach((length, axis) => {
    const own = from[axis - to.length + from.length] ?? 1;
    stride /= own || 1;
    const step = own === 1 ? 0 : stride;
    indices = indices.flatMap((index) => Array.from({ length }, (_, i) => index + i * step));
  });
  return indices;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

export const matmul: KernelSet = { replaced: { BatchMatMul: batchMatMul, _FusedMatMul: fusedMatMul } };
