// KeepBlocks on the wasm backend. The arithmetic is in wasm.as.ts.

import type { TensorInfo } from '@tensorflow/tfjs';

import { keptBlocksIn, type KeptBlocks } from '../../backends/wasm/block-list.js';
import { keptOffsetOf } from '../../backends/wasm/kept-apart.js';
import { exportsOf } from '../../backends/wasm/training.js';
import { offsetOf } from '../../backends/wasm/heap.js';
import { floatInput, maskOfCall } from '../../backends/wasm/inputs.js';
import type { WasmCall, WasmKernel } from '../../backends/wasm/kernel.js';
import { maskedResult } from '../../backends/wasm/masked-result.js';

interface Exports {
  keepBlocks(matrix: number, out: number, ...blocks: KeptBlocks): void;
}

/** matrix [n, m]; attrs mask → [n, m], zeros at the pruned blocks. */
function keepBlocks(call: WasmCall): TensorInfo {
  const { backend } = call;
  const mask = maskOfCall('KeepBlocks', call);
  const matrix = floatInput('KeepBlocks', 'matrix', call, mask.grid.matrixShape);
  const out = maskedResult(backend, mask);
  const offsets = [keptOffsetOf(backend, matrix, mask.pattern), offsetOf(backend, out)] as const;
  exportsOf<Exports>(backend).keepBlocks(...offsets, ...keptBlocksIn(backend, mask.pattern));
  return out;
}

export const kernels: Readonly<Record<string, WasmKernel>> = { KeepBlocks: keepBlocks };
