/**
 * `sparsify`: puts a model, or variables of a hand-written network, under a pruning strategy.
 */
import { assertBlockShape, blockFits, blockGrid, matrixShape, type Shape2D } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { uniform, type Allocation } from './allocation.js';
import { isUnderPruning, KernelState, type KernelSource } from './kernel-state.js';
import { hookLayer, layerKernels, recollectTrainableWeights } from './layer-kernels.js';
import type { Pruner } from './pruner.js';
import { Pruning, type PruningHost } from './pruning.js';
import type { DenseKernelReport } from './report.js';
import { placePhases } from './search.js';
import type { SparseExecution } from './sparse-execution.js';

/** What to prune, and how far. */
export interface Target {
  /** Share of blocks to prune in each pruned layer (under uniform allocation), from 0 and under 1. */
  sparsity: number;
  /** Rows × columns of a block; `[1, 1]` is unstructured pruning. */
  blockShape: Shape2D;
  /** Optimiser steps in the whole of training: epochs × steps in an epoch. */
  totalSteps: number;
  /** How the budget is shared over the layers; the strategy's own when absent, and `uniform` where it has none. */
  allocation?: Allocation;
  /** Kernels with fewer blocks stay dense; 100 when absent (arXiv 2402.17902 §4.1). */
  minimumBlocks?: number;
  /** Which kernels may be pruned, by their name `layer/weight`; all, when absent. */
  kernels?: (name: string) => boolean;
  /**
   * The optimiser whose state is reset at phase switches; null where there is none with a state. When absent,
   * the one the model was compiled with.
   */
  optimizer?: tf.Optimizer | null;
  /**
   * How the layers of a model compute while blocks are masked out: `sparsePhases()` of `@espalier/block-sparse`
   * computes with the kept blocks alone, where that is faster. Dense products with the masked weight, when absent.
   */
  sparsePhases?: SparseExecution | null;
}

/** A pruning run over a `tf.LayersModel`. */
export class ModelPruning extends Pruning {
  /** For `model.fit`: steps the run after every batch. */
  callback(): tf.Callback {
    return new StepCallback(this);
  }
}

/** A pruning run over variables of a hand-written network. */
export class VariablePruning extends Pruning {
  /**
   * The effective weight of a variable, in its own shape: what the network is to compute with. Differentiable;
   * to be called anew at each step, inside the function that computes the loss.
   */
  weight(name: string): tf.Tensor {
    const kernel = this.kernels.find((candidate) => candidate.name === name);
    if (kernel) return kernel.effective();
    const dense = Object.hasOwn(this.variables, name) && this.variables[name];
    if (dense) return dense;
    throw new RangeError(
      `No variable '${name}' is under pruning: it has ${Object.keys(this.variables).join(', ')}`,
    );
  }

  constructor(
    readonly variables: Readonly<Record<string, tf.Variable>>,
    ...rest: ConstructorParameters<typeof Pruning>
  ) {
    super(...rest);
  }
}

class StepCallback extends tf.Callback {
  constructor(private readonly pruning: Pruning) {
    super();
  }
  override async onBatchEnd(): Promise<void> {
    await this.pruning.step();
  }
}

/**
 * Puts a model under a pruning strategy. Its layers compute with their effective weights from now on.
 *
 * Call `pruning.step()` after each optimiser step, or give `model.fit` the `pruning.callback()`; then
 * `pruning.finalize()`, which makes it a plain model again, zeros in place.
 *
 * @throws RangeError for a target out of range, phases that do not fit into the steps, or a model without a
 *   kernel that can be pruned
 */
export async function sparsify(model: tf.LayersModel, pruner: Pruner, target: Target): Promise<ModelPruning>;
/**
 * Puts variables under a pruning strategy, for a hand-written loop: compute with `pruning.weight(name)` in
 * their place, and train `pruning.addedVariables` beside them. A variable of more than two axes is cut as a
 * convolution kernel, `(h·w·in) × out`, also where it is a depthwise one.
 */
export async function sparsify(
  variables: Readonly<Record<string, tf.Variable>>,
  pruner: Pruner,
  target: Target & { optimizer: tf.Optimizer | null },
): Promise<VariablePruning>;
export async function sparsify(
  subject: tf.LayersModel | Readonly<Record<string, tf.Variable>>,
  pruner: Pruner,
  target: Target,
): Promise<ModelPruning | VariablePruning> {
  assertTarget(target);
  placePhases(pruner.search.phases, target.totalSteps);
  const pruning =
    subject instanceof tf.LayersModel
      ? pruneModel(subject, pruner, target)
      : pruneVariables(subject, pruner, target);
  await pruning.start().catch((error: unknown) => {
    pruning.abandon();
    throw error;
  });
  return pruning;
}

function pruneModel(model: tf.LayersModel, pruner: Pruner, target: Target): ModelPruning {
  const { prunable, dense } = choosePrunable(layerKernels(model), target);
  const total = model.countParams();
  const kernels = prunable.map((source, i) => kernelState(source, i, pruner, target));
  const unhook = prunable.map((source, i) =>
    hookLayer(source, kernels[i] as KernelState, target.sparsePhases ?? null),
  );
  recollectTrainableWeights(model);
  const host: PruningHost = {
    // `Sequential.optimizer` is undefined before compile().
    optimizer: () =>
      target.optimizer === undefined ? (model.optimizer as tf.Optimizer | undefined) : target.optimizer,
    weights: () => total,
    release: () => {
      for (const undo of unhook) undo();
      recollectTrainableWeights(model);
    },
  };
  return new ModelPruning(settingsOf(pruner, target), kernels, dense, host);
}

function pruneVariables(
  variables: Readonly<Record<string, tf.Variable>>,
  pruner: Pruner,
  target: Target,
): VariablePruning {
  const sources = Object.entries(variables).map(([name, variable]) => {
    if (variable instanceof tf.Variable) return { name, variable, kind: 'other' as const };
    throw new TypeError(
      `${name} is not a tf.Variable: sparsify() takes a tf.LayersModel or an object of variables`,
    );
  });
  const { prunable, dense } = choosePrunable(sources, target);
  const kernels = prunable.map((source, i) => kernelState(source, i, pruner, target));
  const host: PruningHost = {
    optimizer: () => target.optimizer ?? null,
    weights: () => Object.values(variables).reduce((sum, { size }) => sum + size, 0),
    release: () => {},
  };
  return new VariablePruning(variables, settingsOf(pruner, target), kernels, dense, host);
}

function settingsOf(pruner: Pruner, { sparsity, totalSteps, allocation }: Target) {
  return { pruner, sparsity, totalSteps, allocation: allocation ?? pruner.allocation ?? uniform };
}

function kernelState(
  source: KernelSource,
  index: number,
  { parameterisation, search }: Pruner,
  { blockShape, sparsity }: Target,
): KernelState {
  return new KernelState(source, blockShape, 1 - sparsity, parameterisation, search, index);
}

/** Parts the kernels into those to prune and those left dense, with the reason. */
function choosePrunable<Source extends KernelSource>(
  sources: readonly Source[],
  { blockShape, minimumBlocks = 100, kernels: allowed = () => true }: Target,
): { prunable: Source[]; dense: DenseKernelReport[] } {
  if (sources.length === 0) {
    throw new RangeError(
      'There is no trainable kernel to prune: build the model, or unfreeze a layer with a kernel',
    );
  }
  const held = sources.find(({ variable }) => isUnderPruning(variable));
  if (held) throw new Error(`${held.name} is under pruning already: finalize() or abandon() that run first`);
  const prunable: Source[] = [];
  const dense: DenseKernelReport[] = [];
  const block = blockShape.join('×');
  for (const source of sources) {
    const { name, variable, kind } = source;
    const reason = !allowed(name)
      ? 'not chosen'
      : variable.shape.length < 2
        ? 'not a kernel: it has one axis'
        : whyNotCut(matrixShape(variable.shape, kind), blockShape, minimumBlocks);
    if (reason) dense.push({ name, shape: variable.shape, reason });
    else prunable.push(source);
  }
  if (prunable.length === 0) {
    const reasons = dense
      .map(({ name, shape, reason }) => `${name} [${shape.join('×')}]: ${reason}`)
      .join('; ');
    throw new RangeError(
      `No kernel can be pruned in blocks of ${block}: ${reasons}. ` +
        'Choose a smaller block shape, or lower minimumBlocks',
    );
  }
  return { prunable, dense };
}

function whyNotCut(matrix: Shape2D, blockShape: Shape2D, minimumBlocks: number): string | null {
  if (!blockFits(matrix, blockShape)) return `a block is larger than its ${matrix.join('×')} matrix`;
  const { blocks } = blockGrid(matrix, blockShape);
  return blocks < minimumBlocks ? `${blocks} blocks, fewer than ${minimumBlocks}` : null;
}

function assertTarget({ sparsity, blockShape, minimumBlocks = 100 }: Target): void {
  if (!(sparsity >= 0 && sparsity < 1)) {
    throw new RangeError(`sparsity = ${sparsity} is not from 0 and under 1 (0.9 prunes 90% of the blocks)`);
  }
  assertBlockShape(blockShape);
  if (!Number.isInteger(minimumBlocks) || minimumBlocks < 1) {
    throw new RangeError(`minimumBlocks = ${minimumBlocks} is not a whole number of at least 1`);
  }
}
