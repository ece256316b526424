// The tfjs wasm backend as a heap: where a tensor's data lies, and memory beside the tensors.

import type { TensorInfo } from '@tensorflow/tfjs';

/** The backend's module: its memory, and memory to ask for. */
export interface WasmHeap {
  readonly wasm: {
    /** Exports of the backend's module; the threaded build has its memory beside them. */
    readonly asm?: { readonly memory?: WebAssembly.Memory };
    readonly wasmMemory?: WebAssembly.Memory;
    _malloc(bytes: number): number;
    _free(offset: number): void;
  };
}

/** What is used of tfjs' BackendWasm (4.22), most of which its typings keep to themselves. */
export interface WasmBackend extends WasmHeap {
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  disposeData(dataId: object): boolean;
  /** Counts one more tensor that shares the data. */
  incRef(dataId: object): void;
  makeOutput(shape: number[], dtype: 'float32' | 'int32' | 'bool'): TensorInfo;
}

/**
 * Where a tensor's data begins in the backend's memory, in bytes. Data that lies on another backend is moved
 * here first. The offset stays valid while the tensor lives, also when the memory grows; a view does not.
 */
export function offsetOf(backend: WasmBackend, tensor: TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset;
}

/** A cache line, in bytes. */
const LINE = 64;

/** Byte offset of new memory of at least `bytes`, aligned to a cache line, for as long as the backend lives. */
export function alignedScratch({ wasm }: WasmHeap, bytes: number): number {
  // malloc aligns to 8 or 16 bytes, depending on the build. An offset of 2 GiB and more comes back negative.
  const offset = wasm._malloc(bytes + LINE - 1) >>> 0;
  return Math.ceil(offset / LINE) * LINE;
}

/** A piece of memory that is kept for reuse: byte offset of at least `bytes`; a larger demand replaces it. */
export function growingWorkspace({ wasm }: WasmHeap): (bytes: number) => number {
  let offset = 0;
  let size = 0;
  return (bytes) => {
    if (bytes <= size) return offset;
    if (size > 0) wasm._free(offset);
    offset = wasm._malloc(bytes) >>> 0;
    size = bytes;
    return offset;
  };
}
