// Results that are zero outside of the kept blocks of a mask, in memory that serves step after step: only what is kept is
// written then, a tenth of the matrix at a sparsity of 90%.

import * as tf from '@tensorflow/tfjs';

import { blocksOfPattern } from '../../pattern-blocks.js';
import type { BlockPattern } from '../../pattern.js';
import type { MaskedResult, TrainingMask } from '../../training-mask.js';
import { memoryOf } from './instantiate.js';
import { emptyKept } from './kept-apart.js';
import { newOutput, offsetOf, takeOver, type WasmBackend } from './heap.js';

/** The effective weight and the gradient of a step, and those of a second place that reads the weight. */
const MOST = 4;

/** Of data that is zero outside of the kept blocks of a pattern: that. Data is written once, but for what comes under another id. */
const patterns = new WeakMap<object, BlockPattern>();

/** The pattern outside of whose kept blocks a tensor is known to be zero, as results under a mask are; null where none is. */
export function patternOfResult({ dataId }: tf.TensorInfo): BlockPattern | null {
  return patterns.get(dataId) ?? null;
}

/**
 * A result of the matrix's shape, zero outside of the kept blocks; what it holds in them is to be written. It takes over
 * the memory of one that it gave before, where that is held by the mask alone by now.
 */
export function maskedResult(backend: WasmBackend, mask: TrainingMask): tf.TensorInfo {
  if (mask.keepsAll) return newOutput(backend, mask.grid.matrixShape);
  const result = zeroOutside(backend, mask);
  patterns.set(result.dataId, mask.pattern);
  return result;
}

function zeroOutside(backend: WasmBackend, mask: TrainingMask): tf.TensorInfo {
  const { results, pattern, grid } = mask;
  // A step may end under a mask that was replaced in it: nobody would let go of what that kept.
  if (mask.isDisposed) return zeros(backend, grid.matrixShape);
  dropMoved(backend, results);
  const free = results.findIndex(({ tensor }) => backend.refCount(tensor.dataId) === 1);
  if (free >= 0) {
    const old = results[free]!;
    emptyKept(backend, old.tensor);
    const result = takeOver(backend, old.tensor);
    old.tensor.dispose();
    if (old.pattern !== pattern) clearLeaving(floatsOf(backend, result), old.pattern, pattern);
    results[free] = { tensor: shared(backend, result), pattern };
    return result;
  }
  const result = zeros(backend, grid.matrixShape);
  if (results.length < MOST) results.push({ tensor: shared(backend, result), pattern });
  return result;
}

/** Lets go of results whose data was moved to another backend: they would never be free here. */
function dropMoved(backend: WasmBackend, results: MaskedResult[]): void {
  for (let i = results.length - 1; i >= 0; i--) {
    const { tensor } = results[i]!;
    if (backend.refCount(tensor.dataId) > 0) continue;
    tensor.dispose();
    results.splice(i, 1);
  }
}

/** A new tensor of zeros. */
export function zeros(backend: WasmBackend, shape: readonly number[]): tf.TensorInfo {
  const result = newOutput(backend, shape);
  floatsOf(backend, result).fill(0);
  return result;
}

/** Zeros in the blocks that the one pattern keeps and the other does not. */
function clearLeaving(matrix: Float32Array, from: BlockPattern, to: BlockPattern): void {
  const [, m] = from.matrixShape;
  const kept = to.mask();
  const [, gridColumns] = from.grid.gridShape;
  for (const { row, column, top, left, height, width } of blocksOfPattern(from)) {
    if (kept[row * gridColumns + column]) continue;
    for (let at = top * m + left, i = 0; i < height; i++, at += m) matrix.fill(0, at, at + width);
  }
}

function floatsOf(backend: WasmBackend, tensor: tf.TensorInfo): Float32Array {
  const size = tf.util.sizeFromShape(tensor.shape);
  return new Float32Array(memoryOf(backend).buffer, offsetOf(backend, tensor), size);
}

/** A tensor of the mask's own with the same data, which lives until it is disposed. */
function shared(backend: WasmBackend, { dataId, shape }: tf.TensorInfo): tf.Tensor {
  backend.incRef(dataId);
  const kernelBackend = backend as unknown as tf.KernelBackend;
  return tf.keep(tf.engine().makeTensorFromDataId(dataId, shape, 'float32', kernelBackend));
}
