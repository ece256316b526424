/**
 * Registers this package's kernels for the backend `wasm`, at import, whether that backend is there or not. An engine
 * without WebAssembly SIMD is left alone: the ops then compose what they need of tfjs' own.
 */
import { registerWasmKernel, type WasmKernel } from '@espalier/blocks';

import { kernels } from '../generated/wasm-kernels.js';
import { simdSupported } from './wasm/exports.js';

if (simdSupported()) {
  for (const [name, kernel] of Object.entries(kernels)) registerWasmKernel(name, kernel as WasmKernel);
}
