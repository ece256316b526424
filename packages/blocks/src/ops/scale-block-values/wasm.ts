// ScaleBlockValues and BlockValuesDot on the wasm backend. The arithmetic is in wasm.as.ts.

import type { TensorInfo } from '@tensorflow/tfjs';

import { keptBlocksIn, type KeptBlocks } from '../../backends/wasm/block-list.js';
import { exportsOf } from '../../backends/wasm/training.js';
import { newOutput, offsetOf } from '../../backends/wasm/heap.js';
import { floatInput, patternOfCall } from '../../backends/wasm/inputs.js';
import type { WasmCall, WasmKernel } from '../../backends/wasm/kernel.js';

interface Exports {
  scaleBlockValues(values: number, scale: number, out: number, ...blocks: KeptBlocks): void;
  blockValuesDot(a: number, b: number, out: number, ...blocks: KeptBlocks): void;
}

/** values [size], scale [R, C]; attrs pattern → [size], each block times its factor. */
function scaleBlockValues(call: WasmCall): TensorInfo {
  const { backend } = call;
  const pattern = patternOfCall('ScaleBlockValues', call);
  const values = floatInput('ScaleBlockValues', 'values', call, [pattern.size]);
  const scale = floatInput('ScaleBlockValues', 'scale', call, pattern.grid.gridShape);
  const out = newOutput(backend, [pattern.size]);
  const offsets = [offsetOf(backend, values), offsetOf(backend, scale), offsetOf(backend, out)] as const;
  exportsOf<Exports>(backend).scaleBlockValues(...offsets, ...keptBlocksIn(backend, pattern));
  return out;
}

/** a, b [size]; attrs pattern → [R, C], the sum of a · b over each kept block, 0 where pruned. */
function blockValuesDot(call: WasmCall): TensorInfo {
  const { backend } = call;
  const pattern = patternOfCall('BlockValuesDot', call);
  const a = floatInput('BlockValuesDot', 'a', call, [pattern.size]);
  const b = floatInput('BlockValuesDot', 'b', call, [pattern.size]);
  const out = newOutput(backend, pattern.grid.gridShape);
  const offsets = [offsetOf(backend, a), offsetOf(backend, b), offsetOf(backend, out)] as const;
  exportsOf<Exports>(backend).blockValuesDot(...offsets, ...keptBlocksIn(backend, pattern));
  return out;
}

export const kernels: Readonly<Record<string, WasmKernel>> = {
  ScaleBlockValues: scaleBlockValues,
  BlockValuesDot: blockValuesDot,
};
