// Tensors whose kept blocks lie apart from the rest, side by side as values of a pattern. A weight under a mask trains for
// thousands of steps of which each concerns a tenth of it, here and there in memory: apart, a step goes through that tenth
// and through nothing else. What is to be done to the rest is put off.
//
// Whoever reads a tensor's data, a kernel of tfjs or of anybody else, `data()`, a move to another backend, asks the
// backend's entry of it where that lies: its `memoryOffset`, or the `id` that stands for it in the backend's module. While
// blocks lie apart the two are accessors that put everything into its place first. So no reader has to know of it, and
// none sees what is stale, but kernels that read kept blocks alone and ask for those.

import type { TensorInfo } from '@tensorflow/tfjs';

import type { BlockPattern } from '../../pattern.js';
import { rowList, type KeptBlocks } from './block-list.js';
import { allocated, growingWorkspace, offsetOf, oncePerBackend } from './heap.js';
import type { TensorData, WasmBackend } from './heap.js';
import { memoryOf } from './instantiate.js';
import { exportsOf } from './predicting.js';

/** What is put off for the blocks that a pattern leaves out. */
export interface DeferredWork {
  /**
   * Does it, in the memory at these byte offsets, one a tensor. May not ask for memory: whoever reads may hold a view of
   * it already, which ends where the memory grows.
   */
  settle(offsets: readonly number[]): void;
}

interface Exports {
  gatherBlocks(matrix: number, values: number, ...blocks: KeptBlocks): void;
  scatterBlocks(values: number, matrix: number, ...blocks: KeptBlocks): void;
}

/** Of the entries of data whose kept blocks lie apart. */
const apart = new WeakMap<TensorData, KeptApart>();

/**
 * Tensors of one shape, and what is put off for all of them together. The memory of one that is disposed stays until that
 * is done, or nobody is left to read what comes of it.
 */
class KeptApart {
  /** Of the tensors that are not disposed, by their places, the entries and the ids that stand there. */
  readonly #held = new Map<number, { readonly entry: TensorData; readonly id: number }>();
  /** The places of those whose kept blocks lie with the rest as well. */
  readonly #restored = new Set<number>();

  /**
   * @param offsets of the tensors' data, which are no longer up to date
   * @param values of their kept blocks, in memory that is let go of with this
   */
  constructor(
    private readonly backend: WasmBackend,
    readonly pattern: BlockPattern,
    readonly offsets: readonly number[],
    readonly values: readonly number[],
    readonly rest: DeferredWork | null,
  ) {
    // Room for what is copied when they are put back.
    integersOf(backend, pattern);
  }

  /** Whether these are its tensors, all of them, in their order. */
  isOf(entries: readonly TensorData[]): boolean {
    const inPlace = (entry: TensorData, place: number) => this.#held.get(place)?.entry === entry;
    return entries.length === this.offsets.length && entries.every(inPlace);
  }

  valuesOf(entry: TensorData): number {
    return this.values[this.#placeOf(entry)]!;
  }

  /** Puts the kept blocks of one into their places, in which they are up to date then, and returns where its data lies. */
  restore(entry: TensorData): number {
    const place = this.#placeOf(entry);
    if (!this.#restored.has(place)) {
      this.#restored.add(place);
      scatterKept(this.backend, this.values[place]!, this.pattern, this.offsets[place]!);
    }
    return this.offsets[place]!;
  }

  /** Makes accessors of what tells where the data lies. */
  hold(entry: TensorData, place: number): void {
    const { id } = entry;
    this.#held.set(place, { entry, id });
    apart.set(entry, this);
    define(entry, {
      memoryOffset: { get: () => (isDisposed(entry) ? this.#leave(place) : this.#settled(place)) },
      id: {
        get: () => {
          if (!isDisposed(entry)) this.settle();
          return id;
        },
      },
    });
  }

  /** Makes plain fields of the accessors again: the data lie there from now on. */
  release(offsets: readonly number[]): void {
    for (const [place, { entry, id }] of this.#held) {
      apart.delete(entry);
      define(entry, {
        memoryOffset: { value: offsets[place]!, writable: true },
        id: { value: id, writable: true },
      });
    }
  }

  settle(): void {
    for (const { entry } of this.#held.values()) this.restore(entry);
    // First of all: what is done for the rest may not come here again.
    this.release(this.offsets);
    this.rest?.settle(this.offsets);
    this.#free();
  }

  /** Lets go of the values, and of what is put off: what lies at the kept blocks is written anew by whoever asks for this. */
  abandon(): void {
    this.release(this.offsets);
    this.#free();
  }

  #settled(place: number): number {
    this.settle();
    return this.offsets[place]!;
  }

  /** One is disposed, whose data what is put off for the others may take. Returns what is to be freed: null, or the data. */
  #leave(place: number): number {
    this.#held.delete(place);
    if (this.#held.size > 0) return 0;
    this.#free(place);
    return this.offsets[place]!;
  }

  /** Frees the values, and the data of those that are disposed, but for one. */
  #free(but = -1): void {
    const { wasm } = this.backend;
    for (const values of this.values) wasm._free(values);
    this.offsets.forEach((offset, place) => {
      if (!this.#held.has(place) && place !== but) wasm._free(offset);
    });
  }

  #placeOf(entry: TensorData): number {
    for (const [place, held] of this.#held) if (held.entry === entry) return place;
    throw new Error('The kept blocks of this tensor do not lie here');
  }
}

/** The backend counts down before it asks what to free. */
function isDisposed({ refCount }: TensorData): boolean {
  return refCount <= 0;
}

function define(entry: TensorData, fields: Record<'memoryOffset' | 'id', PropertyDescriptor>): void {
  for (const [name, field] of Object.entries(fields)) {
    Object.defineProperty(entry, name, { ...field, configurable: true, enumerable: true });
  }
}

/** Memory of this file's own: who asks where data lies may have prepared a call of its own in any other. */
const workspaceOf = oncePerBackend(growingWorkspace);

/** What a kernel is told of a pattern. From the second time on it takes no more memory. */
function integersOf(backend: WasmBackend, pattern: BlockPattern): KeptBlocks {
  const { integers, pointers, indices } = rowList(pattern);
  const at = workspaceOf(backend)(integers.byteLength);
  new Int32Array(memoryOf(backend).buffer, at, integers.length).set(integers);
  return [...pattern.matrixShape, ...pattern.blockShape, at + pointers, at + indices];
}

/** `offsetOf`, for a kernel that reads nothing outside of the kept blocks of a pattern: what is put off there stays so. */
export function keptOffsetOf(backend: WasmBackend, tensor: TensorInfo, pattern: BlockPattern): number {
  const entry = backend.dataIdMap.get(tensor.dataId);
  const own = apart.get(entry);
  return own?.pattern === pattern ? own.restore(entry) : offsetOf(backend, tensor);
}

/** Where the values of a tensor's kept blocks lie, `[size]`; null where they do not lie apart. */
export function keptValuesOf(
  backend: WasmBackend,
  { dataId }: TensorInfo,
  pattern: BlockPattern,
): number | null {
  const entry = backend.dataIdMap.get(dataId);
  const own = apart.get(entry);
  return own?.pattern === pattern ? own.valuesOf(entry) : null;
}

/** Writes the values of a tensor's kept blocks, `[size]`, into memory. */
export function gatherKept(
  backend: WasmBackend,
  tensor: TensorInfo,
  pattern: BlockPattern,
  to: number,
): void {
  const values = keptValuesOf(backend, tensor, pattern);
  if (values === null) {
    const from = offsetOf(backend, tensor);
    exportsOf<Exports>(backend).gatherBlocks(from, to, ...integersOf(backend, pattern));
  } else copy(backend, values, to, 4 * pattern.size);
}

/** Writes values, `[size]`, at the kept blocks of a matrix in memory. */
export function scatterKept(backend: WasmBackend, values: number, pattern: BlockPattern, to: number): void {
  exportsOf<Exports>(backend).scatterBlocks(values, to, ...integersOf(backend, pattern));
}

function copy(backend: WasmBackend, from: number, to: number, bytes: number): void {
  new Uint8Array(memoryOf(backend).buffer).copyWithin(to, from, from + bytes);
}

/**
 * Gives a tensor that is zero outside of a pattern's kept blocks values for those, which stay apart until they are read.
 *
 * @param values where they lie; they are copied
 */
export function fillKept(
  backend: WasmBackend,
  { dataId, shape, dtype }: TensorInfo,
  pattern: BlockPattern,
  values: number,
): void {
  const bytes = 4 * pattern.size;
  const own = allocated(backend, Math.max(bytes, 4));
  copy(backend, values, own, bytes);
  const offset = offsetOf(backend, { dataId, shape, dtype });
  new KeptApart(backend, pattern, [offset], [own], null).hold(backend.dataIdMap.get(dataId), 0);
}

/** Takes values back that `fillKept` gave: the data are about to be written anew. */
export function emptyKept(backend: WasmBackend, { dataId }: TensorInfo): void {
  apart.get(backend.dataIdMap.get(dataId))?.abandon();
}

/** What tensors come to whose kept blocks alone are to be brought up to date. */
export interface Kept<Work extends DeferredWork> {
  /** New data in the same memory, as `takeOver` gives it. */
  readonly tensors: TensorInfo[];
  /** Where the values of the kept blocks of each lie, `[size]`: to be read, and written. */
  readonly values: readonly number[];
  /** Where the data of each lies, of which the rest is as it was before what is put off. */
  readonly offsets: readonly number[];
  /** Put off for the rest; what the caller leaves undone there is to be added to it. */
  readonly rest: Work;
}

/**
 * `takeOver` of tensors for a kernel that brings the kept blocks of a pattern up to date, and puts off the rest. Work that
 * is put off for these very tensors and this pattern goes on; any other is done first.
 *
 * @param tensors of one shape, float32, in an order of the kernel's own; each a matrix of the pattern's, in any shape
 * @param isOfKind whether work that is put off is of the caller's kind
 * @returns null, and nothing is done, where others share the data of one of them
 */
export function takeOverKept<Work extends DeferredWork>(
  backend: WasmBackend,
  tensors: readonly TensorInfo[],
  pattern: BlockPattern,
  isOfKind: (work: DeferredWork | null) => work is Work,
  begin: () => Work,
): Kept<Work> | null {
  const entries = tensors.map(({ dataId }) => backend.dataIdMap.get(dataId));
  if (new Set(entries).size < entries.length || entries.some(({ refCount }) => refCount !== 1)) return null;
  const before = apart.get(entries[0]!);
  const goesOn = before?.pattern === pattern && before.isOf(entries) && isOfKind(before.rest);
  const now = goesOn ? before : setApart(backend, tensors, pattern, begin());
  const { offsets, values, rest } = now;
  const next = new KeptApart(backend, pattern, offsets, values, rest);
  // Freeing the null pointer, when the tensors are disposed, frees nothing.
  const gone = offsets.map(() => 0);
  if (goesOn) before.release(gone);
  else entries.forEach((entry) => (entry.memoryOffset = 0));
  const results = tensors.map(({ shape }, place) => {
    const result = backend.makeOutput([...shape], 'float32', offsets[place]!);
    next.hold(backend.dataIdMap.get(result.dataId), place);
    return result;
  });
  return { tensors: results, offsets, values, rest: rest as Work };
}

function setApart(
  backend: WasmBackend,
  tensors: readonly TensorInfo[],
  pattern: BlockPattern,
  rest: DeferredWork,
): KeptApart {
  const offsets = tensors.map((tensor) => offsetOf(backend, tensor));
  const values = tensors.map((tensor) => {
    const own = allocated(backend, Math.max(4 * pattern.size, 4));
    gatherKept(backend, tensor, pattern, own);
    return own;
  });
  return new KeptApart(backend, pattern, offsets, values, rest);
}
