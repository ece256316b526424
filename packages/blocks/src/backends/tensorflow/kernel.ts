/**
 * What a kernel of the native TensorFlow backend is made of: a few ops of TensorFlow, called by its C interface as the npm
 * package's addon has it. A call costs some 7 µs, and by an op of tfjs 11, as that also makes a tensor.
 *
 * The interface is written down here, so that this package depends on no other.
 */
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs';

import { assertKernel, registerOwnKernel } from '../../operation.js';

/** An attribute of an op, as the addon takes it. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** Says of a TensorFlow that ops of ours are registered with it, whichever copy of this package asks. */
export const NATIVE_KERNELS = Symbol.for('@espalier/blocks/native/kernels.cc');

/** Of the addon. Its tensors are numbers. */
interface Binding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_SHAPE: number;
  readonly TF_ATTR_STRING: number;
  createTensor(shape: number[], dtype: number, values: Float32Array | Int32Array): number;
  deleteTensor(id: number): void;
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): { readonly id: number; readonly shape: number[] }[];
}

/** The backend's entry of a tensor. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly dtype: number;
  id: number;
  values: unknown;
  refCount: number;
}

export interface TensorflowBackend {
  readonly binding: Binding;
  readonly isUsingGpuDevice?: boolean;
  readonly tensorMap: {
    has(dataId: object): boolean;
    get(dataId: object): StoredTensor;
    set(dataId: object, stored: StoredTensor): void;
  };
  disposeData(dataId: object, force?: boolean): boolean;
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
}

/** Whether a backend computes on the processor, with ops of our own. */
export function usesNativeKernels({ binding, isUsingGpuDevice }: TensorflowBackend): boolean {
  return NATIVE_KERNELS in binding && !isUsingGpuDevice;
}

/** A tensor of TensorFlow's own. */
export interface Handle {
  readonly id: number;
  readonly shape: readonly number[];
}

/** Whole numbers that an op goes by: places to gather from. */
export interface Table {
  readonly values: Int32Array;
  readonly shape: readonly number[];
}

/**
 * A kernel for the tensorflow backend. What it makes lives until it returns, but for its results.
 *
 * @param inputs those that are there, by name
 */
export type TensorflowKernel<Names extends string, Attributes> = (
  run: TensorflowRun,
  inputs: Readonly<Record<Names, Handle>>,
  attributes: Attributes,
) => Handle | Handle[];

/** Registers a kernel with tfjs, whether the backend is there or not; a second time is once. */
export function registerTensorflowKernel<Names extends string, Attributes>(
  kernelName: string,
  kernel: TensorflowKernel<Names, Attributes>,
): void {
  assertKernel(kernelName, kernel, 'registerTensorflowKernel()');
  registerOwnKernel({ kernelName, backendName: 'tensorflow', kernelFunc: kernelFuncOf(kernel) });
}

/** A kernel as tfjs calls it. */
export function kernelFuncOf<Names extends string, Attributes>(
  kernel: TensorflowKernel<Names, Attributes>,
): KernelFunc {
  return ({ inputs, attrs, backend }) => {
    const run = new TensorflowRun(backend as TensorflowBackend);
    try {
      const handles = Object.entries(inputs).flatMap(([name, info]) =>
        info ? [[name, run.input(info as TensorInfo)]] : [],
      );
      const made = kernel(run, Object.fromEntries(handles) as Record<Names, Handle>, attrs as Attributes);
      return Array.isArray(made) ? made.map((each) => run.result(each)) : run.result(made);
    } finally {
      run.end();
    }
  };
}

/** One call of a kernel, and the tensors that it makes. */
export class TensorflowRun {
  readonly backend: TensorflowBackend;
  readonly #binding: Binding;
  readonly #made = new Set<number>();
  readonly #inputs = new Map<Handle, object>();
  readonly #later = new Map<Handle, (entry: StoredTensor) => void>();

  constructor(backend: TensorflowBackend) {
    this.backend = backend;
    this.#binding = backend.binding;
  }

  /** Whether it is computed on the processor, with ops of our own. */
  get hasNativeKernels(): boolean {
    return usesNativeKernels(this.backend);
  }

  /** Its id is asked for when an op takes it: there may be no such tensor yet (`kept-apart.ts`). */
  input(info: TensorInfo): Handle {
    const { backend } = this;
    let known: number | undefined;
    const input: Handle = {
      get id() {
        return (known ??= backend.getInputTensorIds([info])[0]!);
      },
      shape: info.shape,
    };
    this.#inputs.set(input, info.dataId);
    return input;
  }

  /** What tells an input from another of the same shape; null of what the kernel has made. */
  dataOf(handle: Handle): object | null {
    return this.#inputs.get(handle) ?? null;
  }

  /** The backend's entry of an input; null of what the kernel has made. */
  entryOf(handle: Handle): StoredTensor | null {
    const dataId = this.dataOf(handle);
    return dataId && this.backend.tensorMap.get(dataId);
  }

  /**
   * The only result of an op.
   *
   * @param attributes what differs from the op's defaults; TensorFlow tells types by the inputs, but for those of lists. Each
   *   that is given costs a microsecond.
   */
  op(name: string, inputs: readonly Handle[], attributes: readonly OpAttribute[] = []): Handle {
    return this.ops(name, inputs, attributes, 1)[0]!;
  }

  ops(
    name: string,
    inputs: readonly Handle[],
    attributes: readonly OpAttribute[],
    outputs: number,
  ): Handle[] {
    const ids = inputs.map(({ id }) => id);
    const made = this.#binding.executeOp(name, attributes, ids, outputs);
    for (const { id } of made) this.#made.add(id);
    return made;
  }

  floats(values: readonly number[] | Float32Array, shape: readonly number[] = []): Handle {
    return this.#create(Float32Array.from(values), shape, this.#binding.TF_FLOAT);
  }

  integers(values: readonly number[] | Int32Array, shape: readonly number[] = [values.length]): Handle {
    return this.#create(Int32Array.from(values), shape, this.#binding.TF_INT32);
  }

  /** float32 */
  type(name: string): OpAttribute {
    const { TF_ATTR_TYPE, TF_FLOAT } = this.#binding;
    return { name, type: TF_ATTR_TYPE, value: TF_FLOAT };
  }

  flag(name: string, value: boolean): OpAttribute {
    return { name, type: this.#binding.TF_ATTR_BOOL, value };
  }

  /** A whole number, or several. */
  count(name: string, value: number | readonly number[]): OpAttribute {
    return { name, type: this.#binding.TF_ATTR_INT, value };
  }

  float(name: string, value: number): OpAttribute {
    return { name, type: this.#binding.TF_ATTR_FLOAT, value };
  }

  text(name: string, value: string): OpAttribute {
    return { name, type: this.#binding.TF_ATTR_STRING, value };
  }

  shape(name: string, value: readonly number[]): OpAttribute {
    return { name, type: this.#binding.TF_ATTR_SHAPE, value };
  }

  /**
   * A table that is kept with what it is of, and freed with that.
   *
   * @param key of all tables of one owner
   */
  table(owner: object, key: string, make: () => Table): Handle {
    return this.kept(owner, key, () => {
      const { values, shape } = make();
      return this.integers(values, shape);
    });
  }

  /** What is made once for an owner, and freed with it. */
  kept(owner: object, key: string, make: () => Handle): Handle {
    const ofOwner = keptOf(this.#binding, owner);
    let found = ofOwner.get(key);
    if (!found) {
      found = this.keep(make());
      ofOwner.set(key, found);
    }
    return found;
  }

  /** What `kept` made. */
  recall(owner: object, key: string): Handle {
    return this.kept(owner, key, () => {
      throw new Error(`Nothing is kept as '${key}'`);
    });
  }

  /** Frees what `kept` made. */
  forget(owner: object, key: string): void {
    const ofOwner = keptOf(this.#binding, owner);
    const found = ofOwner.get(key);
    if (!found) return;
    ofOwner.delete(key);
    this.#made.add(found.id);
  }

  /**
   * Lets go of a tensor that an op holds, which may then write into its memory. Of an input that other tensors share
   * nothing is let go; another one is used up: it may only be disposed.
   */
  useUp(handle: Handle): void {
    const { id } = handle;
    const entry = this.entryOf(handle);
    if (entry ? entry.refCount > 1 || this.#isGivenTwice(handle) : !this.#made.delete(id)) return;
    this.#binding.deleteTensor(id);
    if (entry) entry.id = -1;
  }

  #isGivenTwice(input: Handle): boolean {
    return [...this.#inputs].some(([other, data]) => other !== input && data === this.dataOf(input));
  }

  /** Lets what was made live on, or another handle of what was not: it is the caller's to free. */
  keep(handle: Handle): Handle {
    const own = this.#made.has(handle.id) ? handle : this.op('Identity', [handle]);
    this.#made.delete(own.id);
    return own;
  }

  /**
   * A result without a tensor of TensorFlow's, which is asked for when it is read.
   *
   * @param hold takes the backend's entry of it, and gives it an id when it is asked for
   */
  later(shape: readonly number[], hold: (entry: StoredTensor) => void): Handle {
    const handle = { id: -1, shape };
    this.#later.set(handle, hold);
    return handle;
  }

  /** Of what was made, as tfjs knows it. */
  result(made: Handle): TensorInfo {
    const hold = this.#later.get(made);
    const { id, shape } = hold ? made : this.keep(made);
    const dataId = {};
    const entry: StoredTensor = { shape, dtype: this.#binding.TF_FLOAT, id, values: null, refCount: 1 };
    this.backend.tensorMap.set(dataId, entry);
    hold?.(entry);
    return { dataId, shape: [...shape], dtype: 'float32' };
  }

  /** Frees what it made, but for results. */
  end(): void {
    for (const id of this.#made) this.#binding.deleteTensor(id);
    this.#made.clear();
  }

  #create(values: Float32Array | Int32Array, shape: readonly number[], dtype: number): Handle {
    const id = this.#binding.createTensor([...shape], dtype, values);
    this.#made.add(id);
    return { id, shape };
  }
}

type Kept = Map<string, Handle>;

/** What is kept outlives neither its addon nor its owner. */
const keptByBinding = new WeakMap<Binding, WeakMap<object, Kept>>();
const freed = new FinalizationRegistry<{ binding: Binding; kept: Kept }>(({ binding, kept }) => {
  for (const { id } of kept.values()) binding.deleteTensor(id);
});

function keptOf(binding: Binding, owner: object): Kept {
  let ofBinding = keptByBinding.get(binding);
  if (!ofBinding) keptByBinding.set(binding, (ofBinding = new WeakMap()));
  let kept = ofBinding.get(owner);
  if (!kept) {
    ofBinding.set(owner, (kept = new Map()));
    freed.register(owner, { binding, kept });
  }
  return kept;
}
