// GatherBlocks and ScatterBlocks on the wasm backend. The arithmetic is in predicting.as.ts.

import type { TensorInfo } from '@tensorflow/tfjs';

import { fillKept, gatherKept, scatterKept } from '../../backends/wasm/kept-apart.js';
import { newOutput, offsetOf } from '../../backends/wasm/heap.js';
import { floatInput, patternOfCall } from '../../backends/wasm/inputs.js';
import type { WasmCall, WasmKernel } from '../../backends/wasm/kernel.js';
import { maskedResult, zeros } from '../../backends/wasm/masked-result.js';
import type { MaskAttribute } from '../../training-mask.js';

/** matrix [n, m]; attrs pattern → values [size]. */
function gatherBlocks(call: WasmCall): TensorInfo {
  const { backend } = call;
  const pattern = patternOfCall('GatherBlocks', call);
  const matrix = floatInput('GatherBlocks', 'matrix', call, pattern.matrixShape);
  const out = newOutput(backend, [pattern.size]);
  gatherKept(backend, matrix, pattern, offsetOf(backend, out));
  return out;
}

/** values [size]; attrs pattern and, in training, its mask → [n, m], zeros at the pruned blocks. */
function scatterBlocks(call: WasmCall): TensorInfo {
  const { backend } = call;
  const pattern = patternOfCall('ScatterBlocks', call);
  const values = offsetOf(backend, floatInput('ScatterBlocks', 'values', call, [pattern.size]));
  const { mask } = call.attrs as Partial<MaskAttribute>;
  const out = mask ? maskedResult(backend, mask) : zeros(backend, pattern.matrixShape);
  // A step of training may want the values alone.
  if (mask?.keepsAll === false) fillKept(backend, out, pattern, values);
  else scatterKept(backend, values, pattern, offsetOf(backend, out));
  return out;
}

export const kernels: Readonly<Record<string, WasmKernel>> = {
  GatherBlocks: gatherBlocks,
  ScatterBlocks: scatterBlocks,
};
