// Links a module to a backend's memory. Nothing is copied: its functions read and write the backend's own heap.

import type { WasmHeap } from './heap.js';

/** One module in base64, compiled in the four ways that engines and memories ask for. */
export interface Binaries {
  readonly simd: string;
  readonly relaxedSimd: string;
  /** For memory that is shared between threads, as a cross-origin isolated page has it. */
  readonly simdShared: string;
  readonly relaxedSimdShared: string;
}

/** Whether this JavaScript engine accepts a module in base64. */
export function supports(binary: string): boolean {
  return WebAssembly.validate(decode(binary));
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

/** The best of the binaries that the engine takes and that can import `memory`. */
export function compile(memory: WebAssembly.Memory, binaries: Binaries): WebAssembly.Module {
  const shared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  const relaxed = shared ? binaries.relaxedSimdShared : binaries.relaxedSimd;
  return new WebAssembly.Module(
    decode(supports(relaxed) ? relaxed : shared ? binaries.simdShared : binaries.simd),
  );
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
