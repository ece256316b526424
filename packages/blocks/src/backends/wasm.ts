/**
 * Registers this package's kernels for the backend `wasm`, at import, whether that backend is there or not. An engine
 * without WebAssembly SIMD is left alone: the ops then compose what they need of tfjs' own.
 */
import { kernels } from '../generated/wasm-kernels.js';
import { simdSupported } from './wasm/predicting.js';
import { registerWasmKernel, type WasmKernel } from './wasm/kernel.js';

if (simdSupported()) {
  for (const [name, kernel] of Object.entries(kernels)) registerWasmKernel(name, kernel as WasmKernel);
}
