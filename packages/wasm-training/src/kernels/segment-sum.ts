// UnsortedSegmentSum for the wasm backend, which lacks it: the gradient of an embedding lookup.

import { type WasmCall, newOutput, offsetOf } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { KernelSet } from '../kernel-set.js';
import { kernelsOf } from '../wasm/link.js';

/**
 * UnsortedSegmentSum: x [rows, ...], segmentIds int32 [rows], attrs { numSegments } → [numSegments, ...], the sum of
 * the slices of each id; ids outside 0 … numSegments - 1 are dropped. As in the cpu backend, segmentIds may have more
 * axes of x, over which it then acts one by one.
 */
function unsortedSegmentSum({ inputs, attrs, backend }: WasmCall): tf.TensorInfo {
  const { x, segmentIds } = inputs as Record<string, tf.TensorInfo>;
  const numSegments = attrs['numSegments'] as number;
  const shape = x!.shape;
  const ids = segmentIds!.shape;
  if (x!.dtype !== 'float32' || segmentIds!.dtype !== 'int32') {
    throw new Error(
      `UnsortedSegmentSum on the wasm backend needs float32 values and int32 ids, got ${x!.dtype} and ` +
        `${segmentIds!.dtype}; cast them.`,
    );
  }
  if (ids.length < 1 || !tf.util.arraysEqual(ids, shape.slice(0, ids.length))) {
    throw new Error(`UnsortedSegmentSum: segmentIds [${ids}] must be of the first axes of x [${shape}].`);
  }
  const out = newOutput(backend, [numSegments, ...shape.slice(1)]);
  kernelsOf(backend).exports.segmentSum(
    offsetOf(backend, x!),
    offsetOf(backend, segmentIds!),
    offsetOf(backend, out),
    ids[0]!,
    tf.util.sizeFromShape(ids.slice(1)),
    tf.util.sizeFromShape(shape.slice(ids.length)),
    numSegments,
  );
  return out;
}

export const segmentSum: KernelSet = { added: { UnsortedSegmentSum: unsortedSegmentSum } };
