// One step of an optimiser under a mask. Where the gradient is zero outside of the kept blocks, those alone are gone through,
// side by side. What momentum and weight decay do to the others is the same whenever it is done: it is put off until
// somebody reads them.

import {
  type BlockPattern,
  type DeferredWork,
  gatherKept,
  type KeptBlocks,
  keptValuesOf,
  memoryOf,
  patternOfResult,
  rowList,
  takeOverKept,
  type WasmBackend,
} from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { type CatchingUp, type KernelExports, kernelsOf, workspaceOf } from './exports.js';

/** Numbers, one after the other: the settings of a step in single precision, or the byte offsets of tensors. */
type Numbers = readonly number[];

/** How an optimiser's step is taken, in place. */
export interface UpdateInPlace {
  /** Of so many weights side by side. */
  step(kernels: KernelExports, offsets: Numbers, gradient: number, size: number, settings: Numbers): void;
  /** Of those that a pattern leaves out: steps without a gradient. */
  catchUp(kernels: KernelExports, offsets: Numbers, rest: CatchingUp): void;
}

/**
 * One step of the kept blocks alone, bit for bit that of the whole.
 *
 * @param tensors the weight and what is remembered of it, of one shape
 * @returns what takes their place; null where the step is to be taken of the whole
 */
export function updateKept(
  backend: WasmBackend,
  update: UpdateInPlace,
  tensors: readonly tf.TensorInfo[],
  gradient: tf.TensorInfo,
  settings: Numbers,
): tf.TensorInfo[] | null {
  const pattern = patternOfResult(gradient);
  if (!pattern) return null;
  const isOfUpdate = (work: DeferredWork | null): work is StepsToCatchUp =>
    work instanceof StepsToCatchUp && work.update === update;
  const begin = () => new StepsToCatchUp(backend, update, pattern);
  const kept = takeOverKept(backend, tensors, pattern, isOfUpdate, begin);
  if (!kept) return null;
  kept.rest.add(settings, kept.offsets);
  const flow = keptValuesOf(backend, gradient, pattern) ?? gathered(backend, gradient, pattern);
  update.step(kernelsOf(backend), kept.values, flow, pattern.size, settings);
  return kept.tensors;
}

/** Where the kept blocks of a gradient lie side by side, until the next call. */
function gathered(backend: WasmBackend, gradient: tf.TensorInfo, pattern: BlockPattern): number {
  const values = workspaceOf(backend)(4 * pattern.size);
  gatherKept(backend, gradient, pattern, values);
  return values;
}

/** Steps of other settings each, as a schedule of rates makes them, that are put off at most: then they are taken. */
const MOST_RUNS = 2048;
/** Pieces of so many bytes, as the kernels take them: one of zeros, and one for each tensor of an update. */
const PIECE = 4096;
const SCRATCH = 4 * PIECE;

/** Steps with the same settings. */
interface Run {
  steps: number;
  readonly settings: Numbers;
}

/** Steps that the blocks outside of a pattern have not taken yet. */
class StepsToCatchUp implements DeferredWork {
  #runs: Run[] = [];

  constructor(
    private readonly backend: WasmBackend,
    readonly update: UpdateInPlace,
    private readonly pattern: BlockPattern,
  ) {}

  /** One more; where there are too many, they are taken first. */
  add(settings: Numbers, offsets: Numbers): void {
    if (this.#runs.length === MOST_RUNS) this.settle(offsets);
    const last = this.#runs.at(-1);
    if (last && settings.every((setting, i) => Object.is(setting, last.settings[i]))) last.steps++;
    else {
      this.#runs.push({ steps: 1, settings });
      this.#room();
    }
  }

  settle(offsets: Numbers): void {
    if (this.#runs.length === 0) return;
    const { blocks, runs, zeros } = this.#room();
    const integers = new Int32Array(memoryOf(this.backend).buffer);
    const floats = new Float32Array(integers.buffer);
    floats.fill(0, zeros / 4, (zeros + PIECE) / 4);
    let at = runs / 4;
    for (const { steps, settings } of this.#runs) {
      integers[at] = steps;
      floats.set(settings, at + 1);
      at += 1 + settings.length;
    }
    const rest: CatchingUp = [...blocks, runs, this.#runs.length, zeros];
    this.update.catchUp(kernelsOf(this.backend), offsets, rest);
    this.#runs = [];
  }

  /** Memory for the pattern, which is copied there, and for the steps; it is asked for while they are put off. */
  #room(): { readonly blocks: KeptBlocks; readonly runs: number; readonly zeros: number } {
    const { matrixShape, blockShape } = this.pattern;
    const list = rowList(this.pattern);
    const runBytes = 4 * (1 + (this.#runs[0]?.settings.length ?? 0));
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(1, this.#runs.length)));
    const base = workspaceOf(this.backend)(list.integers.byteLength + SCRATCH + capacity * runBytes);
    // A view of the memory as it is now: making room may have grown it.
    new Int32Array(memoryOf(this.backend).buffer, base, list.integers.length).set(list.integers);
    const zeros = base + list.integers.byteLength;
    const blocks: KeptBlocks = [...matrixShape, ...blockShape, base + list.pointers, base + list.indices];
    return { blocks, zeros, runs: zeros + SCRATCH };
  }
}
