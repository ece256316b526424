// The tfjs wasm backend as a heap: where a tensor's data lies, and memory beside the tensors.

import type { TensorInfo } from '@tensorflow/tfjs';

import { describeValue } from '../../describe-value.js';
import { memoryOf } from './instantiate.js';

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
  readonly dataIdMap: { get(dataId: object): TensorData };
  disposeData(dataId: object): boolean;
  /** Counts one more tensor that shares the data. */
  incRef(dataId: object): void;
  /** How many tensors share the data; 0 where it lies on another backend. */
  refCount(dataId: object): number;
  /** New data, in new memory unless an offset is given; `newOutput` makes sure of the memory. */
  makeOutput(shape: number[], dtype: 'float32' | 'int32' | 'bool', memoryOffset?: number): TensorInfo;
}

/** What the backend keeps of a tensor's data. */
export interface TensorData {
  memoryOffset: number;
  /** What the data is called in the backend's module, which knows where it lies by this. */
  readonly id: number;
  /** How many tensors share it. */
  readonly refCount: number;
  /** Of the data as they were allocated: a tensor that shares them may have another of the same size. */
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** Numbers of 32 bits, and so all addresses of a memory, are below. */
const ADDRESSES = 2 ** 32;

const ELEMENT_BYTES: Readonly<Record<string, number>> = { float32: 4, int32: 4, bool: 1, complex64: 8 };

/**
 * Where a tensor's data begins in the backend's memory, in bytes. Data that lies on another backend is moved
 * here first. The offset stays valid while the tensor lives, also when the memory grows; a view does not.
 *
 * From there on the tensor's elements lie in memory that is the tensor's: a kernel that stays within the shape reads and
 * writes nobody else's.
 *
 * @throws RangeError for a tensor that has no such memory: one larger than its data, one that was too large to be
 *   allocated (tfjs takes its size modulo 4 GiB), or one whose memory another has taken over
 */
export function offsetOf(backend: WasmBackend, tensor: TensorInfo): number {
  const data = backend.dataIdMap.get(tensor.dataId);
  const bytes = bytesOf(tensor.shape, tensor.dtype);
  if (bytes === 0) return data.memoryOffset;
  const own = bytesOf(data.shape, data.dtype);
  const { byteLength } = memoryOf(backend).buffer;
  if (bytes <= own && data.memoryOffset > 0 && data.memoryOffset + own <= byteLength)
    return data.memoryOffset;
  throw new RangeError(
    `A tensor of shape [${tensor.shape.join(', ')}] does not lie in the memory of the wasm backend: it takes ${bytes} ` +
      `bytes, at ${data.memoryOffset} of ${byteLength} there are ${own} for it`,
  );
}

/**
 * A new tensor for a result, in memory that was surely had: that of the backend itself may be too small, or lie at 0.
 *
 * @throws RangeError for a shape that none has, or of more than a memory's 4 GiB; Error when the memory is full
 */
export function newOutput(
  backend: WasmBackend,
  shape: readonly number[],
  dtype: 'float32' | 'int32' = 'float32',
): TensorInfo {
  const bytes = bytesOf(shape, dtype);
  if (bytes === 0) return backend.makeOutput([...shape], dtype);
  return backend.makeOutput([...shape], dtype, allocated(backend, bytes));
}

/** @throws RangeError unless the lengths are whole numbers from 0 on, and the bytes have addresses */
function bytesOf(shape: readonly number[], dtype: string): number {
  let bytes = ELEMENT_BYTES[dtype] ?? NaN;
  let whole = true;
  // A loop: this is asked of every tensor of every kernel.
  for (const length of shape) {
    whole &&= Number.isInteger(length) && length >= 0;
    bytes *= length;
  }
  if (whole && bytes < ADDRESSES) return bytes;
  throw new RangeError(
    whole
      ? `A tensor of ${dtype} of shape [${shape.join(', ')}] has no place in the memory of the wasm backend, of 4 GiB at most`
      : `No tensor has the shape ${describeValue([...shape])}: its lengths are whole numbers from 0 on`,
  );
}

/**
 * New data in the memory of a tensor's, still with its values, for a result that takes the tensor's place: a kernel
 * that reads and writes element by element then works in place. The tensor may not be read afterwards, only be disposed.
 * Where other tensors share its data, the new data lies in memory of its own, without the values.
 *
 * @throws RangeError where its memory has been taken over already
 *
 * The data id is a new one: kernels of tfjs keep what they made of a weight for as long as its data has the same id.
 */
export function takeOver(backend: WasmBackend, { dataId, shape, dtype }: TensorInfo): TensorInfo {
  const data = backend.dataIdMap.get(dataId);
  if (backend.refCount(dataId) !== 1) return newOutput(backend, shape, dtype as 'float32');
  // Of a tensor that is given twice the memory is gone by the second time.
  const memoryOffset = offsetOf(backend, { dataId, shape, dtype });
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

/**
 * Whether the backend's memory has room for some bytes now.
 *
 * @throws Error when it has not
 */
export function assertRoom(heap: WasmHeap, bytes: number): void {
  heap.wasm._free(allocated(heap, bytes));
}

/**
 * Byte offset of new memory of so many bytes.
 *
 * @throws Error when the backend's memory, of 4 GiB at most, is full: what lies at 0 is not ours to write to
 */
export function allocated({ wasm }: WasmHeap, bytes: number): number {
  // Beyond, the module would take the bytes modulo 4 GiB. An offset of 2 GiB and more comes back negative.
  const offset = bytes < ADDRESSES ? wasm._malloc(bytes) >>> 0 : 0;
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
