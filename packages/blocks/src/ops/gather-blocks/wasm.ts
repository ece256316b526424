// GatherBlocks and ScatterBlocks on the wasm backend. The arithmetic is in wasm.as.ts.

import type { TensorInfo } from '@tensorflow/tfjs';

import { keptBlocksIn, type KeptBlocks } from '../../backends/wasm/block-list.js';
import { kernelsOf } from '../../backends/wasm/exports.js';
import { newOutput, offsetOf } from '../../backends/wasm/heap.js';
import { floatInput, patternOfCall } from '../../backends/wasm/inputs.js';
import type { WasmCall, WasmKernel } from '../../backends/wasm/kernel.js';
import { maskedResult, zeros } from '../../backends/wasm/masked-result.js';
import type { MaskAttribute } from '../../training-mask.js';

interface Exports {
  gatherBlocks(matrix: number, values: number, ...blocks: KeptBlocks): void;
  scatterBlocks(values: number, matrix: number, ...blocks: KeptBlocks): void;
}

/** matrix [n, m]; attrs pattern → values [size]. */
function gatherBlocks(call: WasmCall): TensorInfo {
  const { backend } = call;
  const pattern = patternOfCall('GatherBlocks', call);
  const matrix = floatInput('GatherBlocks', 'matrix', call, pattern.matrixShape);
  const out = newOutput(backend, [pattern.size]);
  const offsets = [offsetOf(backend, matrix), offsetOf(backend, out)] as const;
  kernelsOf<Exports>(backend).exports.gatherBlocks(...offsets, ...keptBlocksIn(backend, pattern));
  return out;
}

/** values [size]; attrs pattern and, in training, its mask → [n, m], zeros at the pruned blocks. */
function scatterBlocks(call: WasmCall): TensorInfo {
  const { backend } = call;
  const pattern = patternOfCall('ScatterBlocks', call);
  const values = floatInput('ScatterBlocks', 'values', call, [pattern.size]);
  const { mask } = call.attrs as Partial<MaskAttribute>;
  const out = mask ? maskedResult(backend, mask) : zeros(backend, pattern.matrixShape);
  const offsets = [offsetOf(backend, values), offsetOf(backend, out)] as const;
  kernelsOf<Exports>(backend).exports.scatterBlocks(...offsets, ...keptBlocksIn(backend, pattern));
  return out;
}

export const kernels: Readonly<Record<string, WasmKernel>> = {
  GatherBlocks: gatherBlocks,
  ScatterBlocks: scatterBlocks,
};
