// What is needed to run WebAssembly of one's own on the tensors of the tfjs wasm backend, in place: a second module
// that imports the backend's memory, the offsets of tensors in it, and kernels registered for the backend.

export { addKernel, replaceKernel, type KernelCall, type WasmKernel } from './kernel.js';
export { compile, instantiate, memoryOf, supports, type Binaries } from './instantiate.js';
export {
  alignedScratch,
  growingWorkspace,
  offsetOf,
  oncePerBackend,
  takeOver,
  type WasmBackend,
  type WasmHeap,
} from './backend.js';
