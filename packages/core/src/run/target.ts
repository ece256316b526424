/** What to prune and how far, and which kernels that leaves to be pruned. */
import {
  assertBlockShape,
  assertKnownOptions,
  blockFits,
  blockGrid,
  describeValue,
  matrixShape,
  type BlockGrid,
  type Shape2D,
} from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { Allocation } from '../allocation.js';
import {
  assertOverrides,
  assertOverridesApply,
  assertSparsity,
  overridesOf,
  type Overrides,
} from '../overrides.js';
import type { DenseKernelReport } from '../report.js';
import { assertSeed } from '../random.js';
import { isUnderPruning, keepsZeros } from './held-variables.js';
import type { KernelSource } from './kernel-state.js';
import type { SparseExecution } from './sparse-execution.js';

/**
 * Inputs for importances that go by them, a few hundred examples of the training set: of a model one tensor, or a list of
 * one for each of its inputs, with as many examples each; what a mask leaves out of them is counted. For variables, a function that tells by name the rows `[…, n]`
 * that each is multiplied by, computed with `pruning.weight(name)`; it is called whenever blocks are chosen by it, within
 * `tf.tidy`.
 */
export type Calibration =
  | tf.Tensor
  | readonly tf.Tensor[]
  | ((weight: (name: string) => tf.Tensor) => Readonly<Record<string, tf.Tensor>>);

/** What to prune, and how far. */
export interface Target {
  /** Share of blocks to prune, from 0 and under 1: in each pruned layer, or as the allocation shares it. */
  sparsity: number;
  /** Rows × columns of a block; `[1, 1]` is unstructured pruning. */
  blockShape: Shape2D;
  /** Optimiser steps in the whole of training: epochs × steps in an epoch. */
  totalSteps: number;
  /**
   * What a strategy that leaves something to chance draws from, a whole number from 0 to 2³² − 1; 0 when absent. Give
   * it the seed of the training, so that runs of several seeds are runs of several draws.
   */
  seed?: number;
  /** How the budget is shared over the layers; the strategy's own when absent, and `uniform` where it has none. */
  allocation?: Allocation;
  /**
   * A sparsity and a block shape of their own for single kernels, by their name `layer/weight`. A kernel with its own
   * sparsity comes to that whatever the allocation, which shares the target's among the others alone.
   */
  overrides?: Overrides;
  /** Kernels with fewer blocks, of their own shape, stay dense; 100 when absent (arXiv 2402.17902 §4.1). */
  minimumBlocks?: number;
  /** Which kernels may be pruned, by their name `layer/weight`; all, when absent. */
  kernels?: (name: string) => boolean;
  /**
   * The optimiser whose state is reset at phase switches, and which leaves out the steps that a choice of blocks takes
   * the place of (RigL, structured DST). When absent, the one the model was compiled with. Null where there is none with
   * a state: then it is the caller's to leave out the update where `pruning.leavesOutStep`.
   */
  optimizer?: tf.Optimizer | null;
  /**
   * How the layers of a model compute while blocks are masked out: `sparsePhases()` of `@espalier/block-sparse`
   * computes with the kept blocks alone, where that is faster. Dense products with the masked weight, when absent.
   */
  sparsePhases?: SparseExecution | null;
  /**
   * What importances that score by the inputs of layers are measured on, as Wanda's; others do without. The tensors stay the
   * caller's, who keeps them until the run ends.
   */
  calibration?: Calibration;
}

const OPTIONS = {
  sparsity: true,
  blockShape: true,
  totalSteps: true,
  seed: true,
  allocation: true,
  overrides: true,
  minimumBlocks: true,
  kernels: true,
  optimizer: true,
  sparsePhases: true,
  calibration: true,
} satisfies Record<keyof Target, true>;

/**
 * @throws RangeError for a part of the target that is out of range, with its value
 * @throws TypeError for one that is of another kind, or that there is not
 */
export function assertTarget(target: Target): void {
  assertKnownOptions(target, Object.keys(OPTIONS), 'The target of sparsify()');
  const { sparsity, blockShape, totalSteps, seed = 0, minimumBlocks = 100, overrides = {} } = target;
  assertSparsity(sparsity);
  assertBlockShape(blockShape);
  assertWhole('totalSteps', totalSteps, 'epochs × steps in an epoch');
  assertSeed(seed);
  assertWhole('minimumBlocks', minimumBlocks, '100 in the paper');
  assertOverrides(overrides);
  const { allocation, kernels, optimizer, sparsePhases } = target;
  const given = (value: unknown) => value !== undefined && value !== null;
  if (given(allocation) && typeof allocation!.keep !== 'function') {
    refuse(
      'allocation',
      allocation,
      'one of the allocations that core exports: uniform, global, erdosRenyiKernel',
    );
  }
  if (given(kernels) && typeof kernels !== 'function') {
    refuse('kernels', kernels, "a function of a kernel's name: (name) => name !== 'dense_1/kernel'");
  }
  if (given(optimizer) && !(optimizer instanceof tf.Optimizer)) {
    refuse(
      'optimizer',
      optimizer,
      'the tf.Optimizer that trains the variables, or null for one without a state',
    );
  }
  if (given(sparsePhases) && typeof sparsePhases!.callOf !== 'function') {
    refuse('sparsePhases', sparsePhases, 'what sparsePhases() of @espalier/block-sparse returns');
  }
}

/**
 * @param model that is pruned; null for variables
 * @throws TypeError for what are no calibration inputs of that, RangeError for ones that do not fit its inputs, where there
 *   are no examples, or where a number is not finite
 */
export async function assertCalibration(
  calibration: Calibration,
  model: tf.LayersModel | null,
): Promise<void> {
  if (!model) {
    if (typeof calibration === 'function') return;
    return refuse(
      'calibration',
      calibration,
      'for variables, a function that tells by name the rows that each is multiplied by: (weight) => ({ w: x })',
    );
  }
  const tensors = [calibration].flat() as unknown[];
  if (tensors.length === 0 || !tensors.every((each) => each instanceof tf.Tensor && !each.isDisposed)) {
    refuse(
      'calibration',
      calibration,
      'a tensor of inputs of the model, or a list of one for each, that are not disposed of',
    );
  }
  const inputs = tensors as tf.Tensor[];
  assertShapes(inputs, model.inputs);
  for (const [i, input] of inputs.entries()) {
    if (input.dtype !== 'float32' || (await input.data()).every(Number.isFinite)) continue;
    throw new RangeError(`Not every number of calibration is finite, of its input '${model.inputNames[i]}'`);
  }
}

/** @throws RangeError for inputs that the model does not take, or without examples, as many in each */
function assertShapes(inputs: readonly tf.Tensor[], taken: readonly tf.SymbolicTensor[]): void {
  const list = (shapes: readonly (readonly (number | null)[])[]) =>
    shapes.map((shape) => `[${shape.map((side) => side ?? '?').join(', ')}]`).join(' and ');
  const seen = `calibration has the shapes ${list(inputs.map(({ shape }) => shape))}, and is to have`;
  // tfjs takes one number an example without an axis of its own.
  const fits = ({ shape }: tf.Tensor, wanted: readonly (number | null)[]) => {
    const sides = shape.length === 1 ? [...shape, 1] : shape;
    return (
      sides.length === wanted.length &&
      wanted.every((side, axis) => axis === 0 || side === null || side === sides[axis])
    );
  };
  const wanted = taken.map(({ shape }) => [null, ...shape.slice(1)]);
  if (inputs.length !== wanted.length || !inputs.every((input, i) => fits(input, wanted[i]!))) {
    throw new RangeError(`${seen} those of the model's inputs, ${list(wanted)}`);
  }
  const examples = inputs[0]!.shape[0]!;
  if (examples > 0 && inputs.every(({ shape }) => shape[0] === examples)) return;
  throw new RangeError(`${seen} an example or more, the same number in each`);
}

function assertWhole(name: string, value: number, example: string): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new RangeError(`${name} = ${describeValue(value)} is not a whole number of at least 1 (${example})`);
}

function refuse(option: string, value: unknown, expected: string): never {
  throw new TypeError(`${option} is ${describeValue(value)}, and is to be ${expected}`);
}

/** How a kernel is cut, into blocks of its own shape where it has one. */
export function gridOf({ name, variable, kind }: KernelSource, target: Target): BlockGrid {
  return blockGrid(matrixShape(variable.shape, kind), blockShapeOf(name, target));
}

function blockShapeOf(name: string, { blockShape, overrides = {} }: Target): Shape2D {
  return overridesOf(overrides, name).blockShape ?? blockShape;
}

/**
 * Parts the kernels into those to prune and those left dense, with the reason.
 *
 * @param others what stays dense whatever the target
 * @throws RangeError where none can be pruned, or there are overrides for one that is not
 * @throws Error where one is under pruning already
 */
export function choosePrunable<Source extends KernelSource>(
  sources: readonly Source[],
  others: readonly DenseKernelReport[],
  target: Target,
): { prunable: Source[]; dense: DenseKernelReport[] } {
  if (sources.length === 0) {
    const why = others.map(({ name, reason }) => `; ${name}: ${reason}`).join('');
    throw new RangeError(
      `There is no trainable kernel to prune: build the model, or unfreeze a layer with a kernel${why}`,
    );
  }
  const held = sources.find(({ variable }) => isUnderPruning(variable));
  if (held) throw new Error(`${held.name} is under pruning already: finalize() or abandon() that run first`);
  const kept = sources.find(({ variable }) => keepsZeros(variable));
  if (kept) {
    throw new Error(
      `The zeros of ${kept.name} are kept by the run before: release() that, then prune further`,
    );
  }
  const prunable: Source[] = [];
  const dense: DenseKernelReport[] = [];
  for (const source of sources) {
    const reason = whyDense(source, target);
    if (reason) dense.push({ name: source.name, shape: source.variable.shape, reason });
    else prunable.push(source);
  }
  if (prunable.length === 0) {
    const reasons = dense
      .map(({ name, shape, reason }) => `${name} [${shape.join('×')}]: ${reason}`)
      .join('; ');
    throw new RangeError(
      `No kernel can be pruned in blocks of ${target.blockShape.join('×')}: ${reasons}. ` +
        'Choose a smaller block shape, or lower minimumBlocks',
    );
  }
  assertFree(prunable);
  dense.push(...others);
  assertOverridesApply(target.overrides ?? {}, prunable, dense);
  return { prunable, dense };
}

/** @throws Error where a run holds a kernel already, or two of them are one variable */
function assertFree(prunable: readonly KernelSource[]): void {
  const held = prunable.find(({ variable }) => isUnderPruning(variable));
  if (held) throw new Error(`${held.name} is under pruning already: finalize() or abandon() that run first`);
  const kept = prunable.find(({ variable }) => keepsZeros(variable));
  if (kept) {
    throw new Error(
      `The zeros of ${kept.name} are kept by the run before: release() that, then prune further`,
    );
  }
  const names = new Map<tf.Variable, string>();
  for (const { name, variable } of prunable) {
    const other = names.get(variable);
    if (other) throw new RangeError(`${other} and ${name} are one variable: name it once`);
    names.set(variable, name);
  }
}

function whyDense(source: KernelSource, target: Target): string | null {
  const { name, variable, kind } = source;
  const { minimumBlocks = 100, kernels: allowed = () => true } = target;
  if (!allowed(name)) return 'not chosen';
  if (variable.shape.length < 2) return 'not a kernel: it has one axis';
  const matrix = matrixShape(variable.shape, kind);
  if (!blockFits(matrix, blockShapeOf(name, target))) {
    return `a block is larger than its ${matrix.join('×')} matrix`;
  }
  const { blocks } = gridOf(source, target);
  return blocks < minimumBlocks ? `${blocks} blocks, fewer than ${minimumBlocks}` : null;
}
