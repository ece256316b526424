// Links a module to a backend's memory. Nothing is copied: its functions read and write the backend's own heap.

import type { WasmHeap } from './heap.js';
import { withSharedMemory } from './shared-memory.js';

/** One module, which imports its memory, compiled in the two ways that engines ask for. */
export interface Binaries {
  readonly simd: Uint8Array;
  readonly relaxedSimd: Uint8Array;
}

/** Whether this JavaScript engine accepts a module. */
export function supports(binary: Uint8Array): boolean {
  return WebAssembly.validate(binary as BufferSource);
}

/** @throws Error when the backend does not show its memory, as another version of it may not */
export function memoryOf({ wasm }: WasmHeap): WebAssembly.Memory {
  const memory = wasm.asm?.memory ?? wasm.wasmMemory;
  if (memory) return memory;
  throw new Error(
    '@espalier/blocks: found no memory in the tfjs wasm backend. ' +
      'It works with @tensorflow/tfjs-backend-wasm 4.22; install that version.',
  );
}

/** The exports of the best of the binaries that the engine and the backend's memory take. */
export function instantiate<Exports>(backend: WasmHeap, binaries: Binaries): Exports {
  const memory = memoryOf(backend);
  return new WebAssembly.Instance(compile(memory, binaries), { env: { memory } }).exports as Exports;
}

/** The best of the binaries that the engine takes, made to import `memory`. */
export function compile(memory: WebAssembly.Memory, binaries: Binaries): WebAssembly.Module {
  // As a cross-origin isolated page has it.
  const shared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  const binary = supports(binaries.relaxedSimd) ? binaries.relaxedSimd : binaries.simd;
  return new WebAssembly.Module((shared ? withSharedMemory(binary) : binary) as BufferSource);
}
