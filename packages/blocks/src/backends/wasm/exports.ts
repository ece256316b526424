// What this package compiles to WebAssembly (the files *.as.ts), linked to the memory of a tfjs wasm backend once per backend.

import * as binaries from '../../generated/binaries.js';
import { growingWorkspace, oncePerBackend, type WasmBackend } from './heap.js';
import { instantiate, memoryOf, supports } from './instantiate.js';

/** n, m, block rows, block columns. */
export type Cut = [n: number, m: number, blockRows: number, blockColumns: number];

/** Memory for one call: what it held is gone at the next. */
interface CallMemory {
  /** Byte offset of the scratch memory, on a cache line. */
  readonly scratch: number;
  /** Byte offset of the copy of the integers. */
  readonly integers: number;
}

/** The module linked to one backend. */
export interface Kernels<Exports> {
  /** What an op's own file *.as.ts exports. Pointers are byte offsets into the backend's memory. */
  readonly exports: Exports;
  /**
   * Scratch memory of some bytes and a copy of integers beside it, in memory that is kept from call to call and grows.
   * Copying a pattern's integers costs microseconds, and leaves nothing to free when the pattern goes.
   */
  forCall(scratchBytes: number, integers: Int32Array): CallMemory;
}

const LINE = 64;

/** Whether this JavaScript engine can run the kernels at all; they need 128-bit SIMD. */
export function simdSupported(): boolean {
  return supports(binaries.simd);
}

/** The module linked to a backend, as an op sees it; links it at the first call. */
export function kernelsOf<Exports>(backend: WasmBackend): Kernels<Exports> {
  return linked(backend) as Kernels<Exports>;
}

const linked = oncePerBackend((backend): Kernels<unknown> => {
  const exports = instantiate<unknown>(backend, binaries);
  const workspace = growingWorkspace(backend);
  return {
    exports,
    forCall(scratchBytes, integers) {
      const scratchSize = Math.ceil(scratchBytes / LINE) * LINE;
      const base = workspace(scratchSize + integers.byteLength + LINE);
      const scratch = Math.ceil(base / LINE) * LINE;
      const at = scratch + scratchSize;
      // A view of the memory as it is now: making room may have grown it.
      new Int32Array(memoryOf(backend).buffer, at, integers.length).set(integers);
      return { scratch, integers: at };
    },
  };
});
