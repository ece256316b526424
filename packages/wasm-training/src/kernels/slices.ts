// Slice, SplitV, Unpack and GatherV2 for the wasm backend: how batches are taken from a data set, sequences cut into
// steps and embeddings looked up. The stock kernels copy the whole tensor for every slice, and gather by elements.

import { type WasmCall, type WasmBackend, type WasmKernel, newOutput, offsetOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { KernelSet } from '../kernel-set.js';
import { kernelsOf } from '../wasm/link.js';

/** Slice: x, attrs { begin, size } → the block of x; served where one axis at most is cut. */
function slice(stock: WasmKernel): WasmKernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const x = inputs['x'] as tf.Tensor;
    if (!hasFourBytes(x)) return stock(call);
    const [begin, size] = tf.slice_util.parseSliceParams(
      x,
      attrs['begin'] as number | number[],
      attrs['size'] as number | number[],
    ) as [number[], number[]];
    tf.slice_util.assertParamsValid(x, begin, size);
    const cut = size.flatMap((length, axis) => (length === x.shape[axis] ? [] : [axis]));
    if (cut.length > 1) return stock(call);
    const axis = cut[0] ?? 0;
    return cutAxis(backend, x, axis, begin[axis] ?? 0, size);
  };
}

/** SplitV: x, attrs { numOrSizeSplits, axis } → the pieces along the axis. */
function splitV(stock: WasmKernel): WasmKernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const x = inputs['x'] as tf.Tensor;
    if (!hasFourBytes(x)) return stock(call);
    const axis = tf.util.parseAxisParam(attrs['axis'] as number, x.shape)[0]!;
    const sizes = tf.backend_util.prepareSplitSize(x, attrs['numOrSizeSplits'] as number | number[], axis);
    let begin = 0;
    return sizes.map((length) => {
      const piece = cutAxis(backend, x, axis, begin, replaceAt(x.shape, axis, length));
      begin += length;
      return piece;
    });
  };
}

/** Unpack: value, attrs { axis } → its slices of one along the axis, without it. */
function unpack(stock: WasmKernel): WasmKernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const x = inputs['value']!;
    if (!hasFourBytes(x)) return stock(call);
    const axis = tf.util.parseAxisParam(attrs['axis'] as number, x.shape)[0]!;
    const size = replaceAt(x.shape, axis, 1);
    return Array.from({ length: x.shape[axis]! }, (_, i) => ({
      ...cutAxis(backend, x, axis, i, size),
      shape: x.shape.filter((_length, other) => other !== axis),
    }));
  };
}

/** GatherV2: x, int32 indices, attrs { axis, batchDims } → the slices of x along the axis that the indices name. */
function gatherV2(stock: WasmKernel): WasmKernel {
  return (call) => {
    const { inputs, attrs, backend } = call;
    const { x, indices } = inputs as Record<string, tf.TensorInfo>;
    const served = hasFourBytes(x!) && indices!.dtype === 'int32' && attrs['batchDims'] === 0;
    if (!served) return stock(call);
    const axis = tf.util.parseAxisParam(attrs['axis'] as number, x!.shape)[0]!;
    const info = tf.backend_util.segment_util.collectGatherOpShapeInfo(x!, indices!, axis, 0);
    const out = newOutput(backend, info.outputShape, x!.dtype as FourBytes);
    const indicesOffset = offsetOf(backend, indices!);
    const count = tf.util.sizeFromShape(indices!.shape);
    const wrong = kernelsOf(backend).exports.gatherRuns(
      offsetOf(backend, x!),
      indicesOffset,
      offsetOf(backend, out),
      info.outerSize,
      info.dimSize,
      4 * info.sliceSize,
      count,
    );
    if (wrong < 0) return out;
    backend.disposeData(out.dataId);
    throw indexError(call, wrong, info.dimSize);
  };
}

type FourBytes = 'float32' | 'int32';

function hasFourBytes({ dtype }: tf.TensorInfo): boolean {
  return dtype === 'float32' || dtype === 'int32';
}

/** x from `begin` on along one axis; `size` is the shape of the result. */
function cutAxis(
  backend: WasmBackend,
  x: tf.TensorInfo,
  axis: number,
  begin: number,
  size: number[],
): tf.TensorInfo {
  const [length, whole] = [size[axis] ?? 1, x.shape[axis] ?? 1];
  if (!Number.isInteger(begin) || begin < 0 || !(begin + length <= whole)) {
    throw new RangeError(
      `There are no ${length} elements from ${begin} on along axis ${axis} of [${x.shape}]`,
    );
  }
  const out = newOutput(backend, size, x.dtype as FourBytes);
  const inner = 4 * tf.util.sizeFromShape(x.shape.slice(axis + 1));
  kernelsOf(backend).exports.copyRuns(
    offsetOf(backend, x) + inner * begin,
    offsetOf(backend, out),
    tf.util.sizeFromShape(x.shape.slice(0, axis)),
    inner * length,
    inner * whole,
    inner * length,
  );
  return out;
}

function replaceAt(shape: readonly number[], axis: number, length: number): number[] {
  return shape.map((own, other) => (other === axis ? length : own));
}

function indexError({ inputs, backend }: WasmCall, position: number, length: number): Error {
  const index = (backend as unknown as tf.KernelBackend).readSync(inputs['indices']!.dataId)[
    position
  ] as number;
  return new Error(`GatherV2: the index value ${index} is not in [0, ${length - 1}]`);
}

export const slices: KernelSet = {
  replaced: { Slice: slice, SplitV: splitV, Unpack: unpack, GatherV2: gatherV2 },
};
