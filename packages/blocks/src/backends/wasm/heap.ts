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
  readonly dataIdMap: { get(dataId: object): { memoryOffset: number } };
  disposeData(dataId: object): boolean;
  /** Counts one more tensor that shares the data. */
  incRef(dataId: object): void;
  /** How many tensors share the data; 0 where it lies on another backend. */
  refCount(dataId: object): number;
  /** New data, in new memory unless an offset is given. */
  makeOutput(shape: number[], dtype: 'float32' | 'int32' | 'bool', memoryOffset?: number): TensorInfo;
}

/**
 * Where a tensor's data begins in the backend's memory, in bytes. Data that lies on another backend is moved
 * here first. The offset stays valid while the tensor lives, also when the memory grows; a view does not.
 */
export function offsetOf(backend: WasmBackend, tensor: TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset;
}

/**
 * New data in the memory of a tensor's, still with its values, for a result that takes the tensor's place: a kernel
 * that reads and writes element by element then works in place. The tensor may not be read afterwards, only be disposed.
 * Where other tensors share its data, the new data lies in memory of its own, without the values.
 *
 * The data id is a new one: kernels of tfjs keep what they made of a weight for as long as its data has the same id.
 */
export function takeOver(backend: WasmBackend, { dataId, shape, dtype }: TensorInfo): TensorInfo {
  const data = backend.dataIdMap.get(dataId);
  if (backend.refCount(dataId) !== 1) return backend.makeOutput(shape, dtype as 'float32');
  const { memoryOffset } = data;
  // Freeing the null pointer, when the tensor is disposed, frees nothing.
  data.memoryOffset = 0;
  return backend.makeOutput(shape, dtype as 'float32', memoryOffset);
}

/** A cache line, in bytes. */
const LINE = 64;

/** Byte offset of new memory of at least `bytes`, aligned to a cache line, for as long as the backend lives. */
export function alignedScratch(heap: WasmHeap, bytes: number): number {
  // malloc aligns to 8 or 16 bytes, depending on the build.
  return Math.ceil(allocated(heap, bytes + LINE - 1) / LINE) * LINE;
}

/** A piece of memory that is kept for reuse: byte offset of at least `bytes`; a larger demand replaces it. */
export function growingWorkspace(heap: WasmHeap): (bytes: number) => number {
  let offset = 0;
  let size = 0;
  return (bytes) => {
    if (bytes <= size) return offset;
    if (size > 0) heap.wasm._free(offset);
    size = 0;
    offset = allocated(heap, bytes);
    size = bytes;
    return offset;
  };
}

/** @throws Error when the backend's memory, of 4 GiB at most, is full: what lies at 0 is not ours to write to */
function allocated({ wasm }: WasmHeap, bytes: number): number {
  // An offset of 2 GiB and more comes back negative.
  const offset = wasm._malloc(bytes) >>> 0;
  if (offset !== 0) return offset;
  throw new Error(
    `The tfjs wasm backend has no memory left for ${bytes} bytes: use smaller batches or models`,
  );
}

/** What is made for a backend at the first call for it, and the same from then on, for as long as the backend lives. */
export function oncePerBackend<T>(make: (backend: WasmHeap) => T): (backend: WasmBackend) => T {
  const made = new WeakMap<WasmBackend, T>();
  return (backend) => {
    const known = made.get(backend);
    if (known !== undefined) return known;
    const value = make(backend);
    made.set(backend, value);
    return value;
  };
}
