// GatherBlocks, ScatterBlocks, ScaleBlockValues and BlockValuesDot on the wasm backend.

import { type KernelCall, type WasmBackend, offsetOf } from '@espalier/wasm-module';
import type { TensorInfo } from '@tensorflow/tfjs';
import type { BlockPattern } from '../pattern.js';
import { floatInput, patternOfCall } from './inputs.js';
import { kernelsOf } from './kernels.js';
import { rowList } from './layout.js';

/** Kernel: matrix [n, m]; attrs pattern → values [size]. */
export const GATHER_BLOCKS = 'GatherBlocks';
/** Kernel: values [size]; attrs pattern → [n, m], zeros at the pruned blocks. */
export const SCATTER_BLOCKS = 'ScatterBlocks';
/** Kernel: values [size], scale [R, C]; attrs pattern → [size], each block times its factor. */
export const SCALE_BLOCK_VALUES = 'ScaleBlockValues';
/** Kernel: a [size], b [size]; attrs pattern → [R, C], the sum of a · b over each kept block, 0 where pruned. */
export const BLOCK_VALUES_DOT = 'BlockValuesDot';

export function gatherBlocks(call: KernelCall): TensorInfo {
  const { backend } = call;
  const pattern = patternOfCall(GATHER_BLOCKS, call);
  const matrix = floatInput(GATHER_BLOCKS, 'matrix', call, pattern.matrixShape);
  const out = backend.makeOutput([pattern.size], 'float32');
  const offsets = [offsetOf(backend, matrix), offsetOf(backend, out)] as const;
  kernelsOf(backend).exports.gatherBlocks(...offsets, ...blocksOf(pattern, backend));
  return out;
}

export function scatterBlocks(call: KernelCall): TensorInfo {
  const { backend } = call;
  const pattern = patternOfCall(SCATTER_BLOCKS, call);
  const values = floatInput(SCATTER_BLOCKS, 'values', call, [pattern.size]);
  const out = backend.makeOutput([...pattern.matrixShape], 'float32');
  const offsets = [offsetOf(backend, values), offsetOf(backend, out)] as const;
  kernelsOf(backend).exports.scatterBlocks(...offsets, ...blocksOf(pattern, backend));
  return out;
}

export function scaleBlockValues(call: KernelCall): TensorInfo {
  const { backend } = call;
  const pattern = patternOfCall(SCALE_BLOCK_VALUES, call);
  const values = floatInput(SCALE_BLOCK_VALUES, 'values', call, [pattern.size]);
  const scale = floatInput(SCALE_BLOCK_VALUES, 'scale', call, pattern.grid.gridShape);
  const out = backend.makeOutput([pattern.size], 'float32');
  const offsets = [offsetOf(backend, values), offsetOf(backend, scale), offsetOf(backend, out)] as const;
  kernelsOf(backend).exports.scaleBlockValues(...offsets, ...blocksOf(pattern, backend));
  return out;
}

export function blockValuesDot(call: KernelCall): TensorInfo {
  const { backend } = call;
  const pattern = patternOfCall(BLOCK_VALUES_DOT, call);
  const a = floatInput(BLOCK_VALUES_DOT, 'a', call, [pattern.size]);
  const b = floatInput(BLOCK_VALUES_DOT, 'b', call, [pattern.size]);
  const out = backend.makeOutput([...pattern.grid.gridShape], 'float32');
  const offsets = [offsetOf(backend, a), offsetOf(backend, b), offsetOf(backend, out)] as const;
  kernelsOf(backend).exports.blockValuesDot(...offsets, ...blocksOf(pattern, backend));
  return out;
}

/** The cut of the matrix, and its kept blocks in the backend's memory. */
function blocksOf(pattern: BlockPattern, backend: WasmBackend) {
  const list = rowList(pattern);
  const { integers } = kernelsOf(backend).forCall(0, list.integers);
  const [n, m] = pattern.matrixShape;
  const [blockRows, blockColumns] = pattern.blockShape;
  return [n, m, blockRows, blockColumns, integers + list.pointers, integers + list.indices] as const;
}
