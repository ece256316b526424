// BlockSparseWeightGradient on the wasm backend. The arithmetic is in gradient.as.ts.

import type { TensorInfo } from '@tensorflow/tfjs';

import { rowList } from '../../backends/wasm/block-list.js';
import { newOutput, offsetOf } from '../../backends/wasm/heap.js';
import { floatInput, patternOfCall } from '../../backends/wasm/inputs.js';
import { memoryOf } from '../../backends/wasm/instantiate.js';
import type { WasmCall } from '../../backends/wasm/kernel.js';
import { callMemory } from '../../backends/wasm/module.js';
import { exportsOf } from '../../backends/wasm/training.js';
import { rowsAtOnce } from './wasm-product.js';

interface Exports {
  gradientScratchBytes(n: number, m: number, blockColumns: number, rows: number): number;
  blockSparseGradient(
    batch: number,
    n: number,
    m: number,
    blockRows: number,
    blockColumns: number,
    x: number,
    dy: number,
    out: number,
    pointers: number,
    indices: number,
    starts: number,
    columnPointers: number,
    scratch: number,
    rowsAtOnce: number,
  ): void;
}

/** x [B, n], dy [B, m]; attrs pattern → [size], xᵀ · dy at the kept blocks. */
export function blockSparseWeightGradient(call: WasmCall): TensorInfo {
  const { backend } = call;
  const pattern = patternOfCall('BlockSparseWeightGradient', call);
  const [n, m] = pattern.matrixShape;
  const x = floatInput('BlockSparseWeightGradient', 'x', call, [null, n]);
  const batch = x.shape[0]!;
  const dy = floatInput('BlockSparseWeightGradient', 'dy', call, [batch, m]);
  const out = newOutput(backend, [pattern.size]);
  const exports = exportsOf<Exports>(backend);
  const [blockRows, blockColumns] = pattern.blockShape;
  const list = rowList(pattern);
  const rows = rowsAtOnce(batch, (n + m) / 2, 128);
  const offsets = [offsetOf(backend, x), offsetOf(backend, dy), offsetOf(backend, out)] as const;
  if (batch === 0) {
    new Float32Array(memoryOf(backend).buffer, offsets[2], pattern.size).fill(0);
    return out;
  }
  const scratchBytes = exports.gradientScratchBytes(n, m, blockColumns, rows);
  const { scratch, integers } = callMemory(backend, scratchBytes, list.integers);
  exports.blockSparseGradient(
    batch,
    n,
    m,
    blockRows,
    blockColumns,
    ...offsets,
    integers + list.pointers,
    integers + list.indices,
    integers + list.starts,
    integers + list.otherPointers,
    scratch,
    rows,
  );
  return out;
}
