/**
 * Tensors whose kept blocks lie apart from the rest, as values of a pattern: a step of training under a mask makes a tenth of
 * a weight anew, and what it does to the rest is put off.
 *
 * Whoever wants a tensor's data asks the backend's entry of it for the `id` of TensorFlow's tensor. While blocks lie apart
 * that is an accessor, which puts everything into its place first. So no reader has to know of it, and none sees what is
 * stale, but kernels that take kept blocks alone and ask for those. (On wasm it is the same: `backends/wasm/kept-apart.ts`.)
 */
import type { BlockPattern } from '../../pattern.js';
import type { TrainingMask } from '../../training-mask.js';
import { TensorflowRun, type Handle, type StoredTensor, type TensorflowBackend } from './kernel.js';
import { hasNativeKernels, nativeGather, nativePut, nativeScatter } from './native.js';

/** What is put off for the blocks that a pattern leaves out. */
export interface DeferredWork {
  /**
   * Does it.
   *
   * @param wholes as they were before it was put off, `[n, m]` each
   * @returns what they come to; what lies at the kept blocks is nobody's
   */
  settle(run: TensorflowRun, wholes: readonly Handle[]): readonly Handle[];
}

/** Of the entries whose kept blocks lie apart. */
const apart = new WeakMap<StoredTensor, KeptApart>();

/** Tensors of one pattern, and what is put off for all of them together. */
class KeptApart {
  /** Of the tensors that are not disposed, their places. */
  readonly #held = new Map<StoredTensor, number>();

  /**
   * @param values of the kept blocks, `[size]` each; they are this one's own
   * @param wholes what the rest is made of, this one's own too; none where it is zero
   */
  constructor(
    private readonly backend: TensorflowBackend,
    readonly pattern: BlockPattern,
    readonly values: readonly Handle[],
    readonly wholes: readonly Handle[],
    readonly rest: DeferredWork | null,
  ) {
    watchDisposal(backend);
  }

  get isZeroElsewhere(): boolean {
    return this.wholes.length === 0;
  }

  /** Whether these are its tensors, all of them, in their order. */
  isOf(entries: readonly StoredTensor[]): boolean {
    return (
      entries.length === this.values.length &&
      entries.every((entry, place) => this.#held.get(entry) === place)
    );
  }

  valuesOf(entry: StoredTensor): Handle {
    return this.values[this.#held.get(entry)!]!;
  }

  /** Makes an accessor of what tells where the data are. */
  hold(entry: StoredTensor, place: number): void {
    this.#held.set(entry, place);
    apart.set(entry, this);
    define(entry, {
      get: () => {
        this.#settle();
        return entry.id;
      },
    });
  }

  /** Leaves its tensors without data, and the rest to whoever asks: the kept blocks have been made anew. */
  handOver(): readonly Handle[] {
    for (const entry of this.#held.keys()) release(entry, -1);
    this.#free(this.values);
    return this.wholes;
  }

  /** One is disposed, whose data what is put off for the others may take. */
  leave(entry: StoredTensor): void {
    this.#held.delete(entry);
    release(entry, -1);
    if (this.#held.size === 0) this.#free([...this.values, ...this.wholes]);
  }

  #settle(): void {
    const { backend, pattern, values, wholes, rest } = this;
    const run = new TensorflowRun(backend);
    try {
      const settled = rest?.settle(run, wholes) ?? wholes;
      const made = [...this.#held].map(([entry, place]) => {
        const rests = settled[place];
        const kept = values[place]!;
        const whole = rests ? nativePut(run, rests, kept, pattern) : nativeScatter(run, kept, pattern);
        return [entry, whole] as const;
      });
      for (const [entry, whole] of made) release(entry, run.keep(whole).id);
    } finally {
      run.end();
    }
    this.#free([...values, ...wholes]);
  }

  #free(handles: readonly Handle[]): void {
    for (const { id } of handles) this.backend.binding.deleteTensor(id);
  }
}

/** Makes a plain field of the accessor again. */
function release(entry: StoredTensor, id: number): void {
  apart.delete(entry);
  define(entry, { value: id, writable: true });
}

function define(entry: StoredTensor, field: PropertyDescriptor): void {
  Object.defineProperty(entry, 'id', { ...field, configurable: true, enumerable: true });
}

const watched = new WeakSet<TensorflowBackend>();

/** The backend asks an entry for its id before it lets go of it, or of one of those that share it: of these it is kept. */
function watchDisposal(backend: TensorflowBackend): void {
  if (watched.has(backend)) return;
  watched.add(backend);
  const disposeData = backend.disposeData.bind(backend);
  backend.disposeData = (dataId, force = false) => {
    const entry = backend.tensorMap.has(dataId) ? backend.tensorMap.get(dataId) : null;
    const own = entry && apart.get(entry);
    if (own && !force && entry.refCount > 1) {
      entry.refCount--;
      return false;
    }
    own?.leave(entry!);
    return disposeData(dataId, force);
  };
}

/** What is zero outside of a pattern's kept blocks. */
export interface MaskedValues {
  readonly pattern: BlockPattern;
  /** `[size]`; until somebody reads the whole. */
  readonly values: Handle;
}

/** An input as that, where it is known to be zero elsewhere, as gradients under a mask are; else null. */
export function maskedValuesOf(run: TensorflowRun, input: Handle): MaskedValues | null {
  const found = apartOf(run, input);
  return found?.own.isZeroElsewhere ? { pattern: found.own.pattern, values: found.values } : null;
}

/** The values of a pattern's kept blocks, `[size]`, where they lie apart from the rest, whatever that is; else null. */
export function keptValuesOf(run: TensorflowRun, input: Handle, pattern: BlockPattern): Handle | null {
  const found = apartOf(run, input);
  return found?.own.pattern === pattern ? found.values : null;
}

/** The values of a pattern's kept blocks, `[size]`, wherever they lie: by ops of our own. */
export function gatherKept(run: TensorflowRun, matrix: Handle, pattern: BlockPattern): Handle {
  return keptValuesOf(run, matrix, pattern) ?? nativeGather(run, matrix, pattern);
}

function apartOf(run: TensorflowRun, input: Handle): { own: KeptApart; values: Handle } | null {
  const entry = run.entryOf(input);
  const own = entry && apart.get(entry);
  return own ? { own, values: own.valuesOf(entry) } : null;
}

/** The share of a matrix at most that is worth to be gone through by itself. */
const FEW = 0.5;
/** How often ops under a mask were called, up to the end of its first step. */
const calls = new WeakMap<BlockPattern, number>();

/**
 * Whether what is made now under a mask is to be kept blocks alone, to be scattered when they are read. Not in the mask's
 * first step: one that is another after every step is spared to put back what was set apart. Each call counts.
 *
 * @param callsAStep how often a step asks, as a rule: what it comes to is the same
 */
export function isWorthSettingApart(run: TensorflowRun, mask: TrainingMask, callsAStep = 1): boolean {
  if (mask.keepsAll || !hasNativeKernels(run, mask.grid.blockShape)) return false;
  const { pattern, grid } = mask;
  if (pattern.size > FEW * grid.matrixShape[0] * grid.matrixShape[1]) return false;
  const before = calls.get(pattern) ?? 0;
  if (before < callsAStep) calls.set(pattern, before + 1);
  return before >= callsAStep;
}

/** Values, `[size]` → the matrix `[n, m]` that has them at the kept blocks and zeros elsewhere: made when it is read. */
export function scatteredWhenRead(run: TensorflowRun, values: Handle, pattern: BlockPattern): Handle {
  const kept = new KeptApart(run.backend, pattern, [run.keep(values)], [], null);
  return run.later(pattern.matrixShape, (entry) => kept.hold(entry, 0));
}

/** How tensors of which the kept blocks alone are made anew come to their new values. */
export interface Renewal<Work extends DeferredWork> {
  /** Whether what is put off is of this kind, and may be added to. */
  isOfKind(work: unknown): work is Work;
  /** Nothing that is put off, to be added to. */
  begin(): Work;
  /** Makes values, `[size]` each, of the old ones. */
  renew(values: readonly Handle[]): Handle[];
  /** Adds to what is put off what the kept blocks have done. */
  putOff(work: Work): void;
}

/**
 * Makes the kept blocks of inputs anew, and puts off the rest. The inputs are used up.
 *
 * @param inputs in an order of the kernel's own
 * @returns null, and nothing is done, where others share the data of one of them, or one is no matrix of the pattern's
 */
export function renewKept<Work extends DeferredWork>(
  run: TensorflowRun,
  inputs: readonly Handle[],
  pattern: BlockPattern,
  { isOfKind, begin, renew, putOff }: Renewal<Work>,
): Handle[] | null {
  const entries = inputs.map((input) => run.entryOf(input));
  const isOwn = (entry: StoredTensor | null): entry is StoredTensor => entry?.refCount === 1;
  if (!entries.every(isOwn) || new Set(entries).size < entries.length) return null;
  const [n, m] = pattern.matrixShape;
  if (inputs.some(({ shape }) => shape.length !== 2 || shape[0] !== n || shape[1] !== m)) return null;
  if (!hasNativeKernels(run, pattern.blockShape)) return null;

  const before = apart.get(entries[0]!);
  const work = before?.pattern === pattern && before.isOf(entries) ? before.rest : null;
  const goesOn = isOfKind(work);
  const old = goesOn ? before!.values : inputs.map((input) => nativeGather(run, input, pattern));
  const values = renew(old).map((made) => run.keep(made));
  const rest = goesOn ? work : begin();
  putOff(rest);
  const wholes = goesOn ? before!.handOver() : entries.map(takenFrom);
  const next = new KeptApart(run.backend, pattern, values, wholes, rest);
  return inputs.map(({ shape }, place) => run.later(shape, (entry) => next.hold(entry, place)));
}

/** The data of an entry, which has none from now on. */
function takenFrom(entry: StoredTensor): Handle {
  const { id, shape } = entry;
  entry.id = -1;
  return { id, shape };
}
