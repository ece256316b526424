// What this package compiles to WebAssembly (the files *.as.ts), linked to the memory of a tfjs wasm backend once per
// backend. There are two modules, so that a page that predicts alone takes one of them: an op's assembly is in the file
// predicting.as.ts or wasm.as.ts of its folder, and its kernel calls it through predicting.ts or training.ts.

import { growingWorkspace, oncePerBackend, type WasmBackend } from './heap.js';
import { instantiate, memoryOf, type Binaries } from './instantiate.js';

/** n, m, block rows, block columns. */
export type Cut = [n: number, m: number, blockRows: number, blockColumns: number];

/** A module's exports on a backend, as an op sees them; links it at the first call. Pointers are byte offsets into the memory. */
export type ExportsOf = <Exports>(backend: WasmBackend) => Exports;

export function linkedOnce(binaries: Binaries): ExportsOf {
  return oncePerBackend((backend) => instantiate<unknown>(backend, binaries)) as ExportsOf;
}

/** Memory for one call: what it held is gone at the next. */
interface CallMemory {
  /** Byte offset of the scratch memory, on a cache line. */
  readonly scratch: number;
  /** Byte offset of the copy of the integers. */
  readonly integers: number;
}

const LINE = 64;

/** Of all modules: kernels do not call one another. */
const workspaceOf = /* @__PURE__ */ oncePerBackend(growingWorkspace);

/**
 * Scratch memory of some bytes and a copy of integers beside it, in memory that is kept from call to call and grows.
 * Copying a pattern's integers costs microseconds, and leaves nothing to free when the pattern goes.
 */
export function callMemory(backend: WasmBackend, scratchBytes: number, integers: Int32Array): CallMemory {
  const scratchSize = Math.ceil(scratchBytes / LINE) * LINE;
  const base = workspaceOf(backend)(scratchSize + integers.byteLength + LINE);
  const scratch = Math.ceil(base / LINE) * LINE;
  const at = scratch + scratchSize;
  // A view of the memory as it is now: making room may have grown it.
  new Int32Array(memoryOf(backend).buffer, at, integers.length).set(integers);
  return { scratch, integers: at };
}
