/**
 * `sparsify`: puts a model, or variables of a hand-written network, under a pruning strategy.
 */
import * as tf from '@tensorflow/tfjs';

import { uniform } from '../allocation.js';
import { warnOfOtherCopies } from '../one-core.js';
import { overridesOf } from '../overrides.js';
import type { Pruner } from '../pruner.js';
import { deriveSeed } from '../random.js';
import { assertCombination, inForce } from '../combination.js';
import { placePhases } from '../search/placing.js';
import { assertSubject } from './arguments.js';
import { registerBlockKernels } from './block-kernels.js';
import { Budget } from './budget.js';
import {
  allWeights,
  type LayerKernel,
  layerKernels,
  leftDense,
  statefulLayer,
  unprunableLayers,
  variableOf,
} from './find-kernels.js';
import type { NamedVariable } from './checkpoint.js';
import { hookFit, stepCallback } from './fit.js';
import { hookLayer, recollectTrainableWeights } from './hooks.js';
import { KernelState, type KernelSource } from './kernel-state.js';
import type { PruningHost, PruningSettings } from './host.js';
import { hasInputs, inputNormsOf, normsOfRows } from './input-norms.js';
import { Pruning } from './pruning.js';
import {
  assertCalibration,
  assertTarget,
  choosePrunable,
  gridOf,
  type Calibration,
  type Target,
} from './target.js';

/** A pruning run over a `tf.LayersModel`. */
export class ModelPruning extends Pruning {
  /**
   * For `model.fit`: steps the run after every batch. Of the model that was given to `sparsify`, `fit` takes it beside
   * other callbacks and plain objects in any order, and the run itself in its place.
   */
  callback(): tf.Callback {
    return stepCallback(this);
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

  /** @internal `sparsify` makes it. */
  constructor(
    readonly variables: Readonly<Record<string, tf.Variable>>,
    ...rest: ConstructorParameters<typeof Pruning>
  ) {
    super(...rest);
  }
}

/**
 * Puts a model under a pruning strategy. Its layers compute with their effective weights from now on.
 *
 * Call `pruning.step()` after each optimiser step, or give `model.fit` the `pruning.callback()`; then
 * `pruning.finalize()`, which makes it a plain model again, zeros in place.
 *
 * The kernels of `@espalier/blocks` for the backend in force are registered first, where they are not yet.
 *
 * @throws RangeError for a target out of range, overrides of a kernel that is not pruned, phases that do not fit into
 *   the steps, a strategy whose parts do not fit together, or a model without a kernel that can be pruned
 * @throws TypeError for an argument, an option of the target or a part of the strategy that is not what belongs there
 *
 * @example
 * ```ts
 * import { sparsify } from '@espalier/core';
 * import { magnitude } from '@espalier/magnitude';
 * import * as tf from '@tensorflow/tfjs';
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 64, inputShape: [64] })] });
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
 * const x = tf.randomNormal([256, 64]);
 *
 * const pruning = await sparsify(model, magnitude(), {
 *   sparsity: 0.9,
 *   blockShape: [4, 4], // 256 blocks, of which 26 are kept
 *   totalSteps: 4 * 8, // 4 epochs of 256 / 32 batches
 * });
 * await model.fit(x, x, { epochs: 4, batchSize: 32, verbose: 0, callbacks: pruning.callback() });
 * const report = await pruning.finalize();
 * console.log(report.achieved.prunedLayers); // 0.8984375
 * ```
 */
export async function sparsify(model: tf.LayersModel, pruner: Pruner, target: Target): Promise<ModelPruning>;
/**
 * Puts variables under a pruning strategy, for a hand-written loop: compute with `pruning.weight(name)` in
 * their place, and train `pruning.addedVariables` beside them. A variable of more than two axes is cut as a
 * convolution kernel, `(h·w·in) × out`, also where it is a depthwise one.
 *
 * @example
 * ```ts
 * import { sparsify } from '@espalier/core';
 * import { magnitude } from '@espalier/magnitude';
 * import * as tf from '@tensorflow/tfjs';
 *
 * const w = tf.variable(tf.randomNormal([64, 64]));
 * const optimizer = tf.train.momentum(0.01, 0.9);
 * const target = { sparsity: 0.9, blockShape: [4, 4], totalSteps: 20, optimizer } as const;
 * const pruning = await sparsify({ w }, magnitude(), target);
 *
 * const x = tf.randomNormal([32, 64]);
 * for (let step = 0; step < 20; step++) {
 *   const loss = () => tf.losses.meanSquaredError(x, tf.matMul(x, pruning.weight('w') as tf.Tensor2D));
 *   optimizer.minimize(loss as () => tf.Scalar, false, [w, ...pruning.addedVariables]);
 *   await pruning.step();
 * }
 * await pruning.finalize();
 * console.log(w.notEqual(0).sum().dataSync()[0]); // 416
 * ```
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
  warnOfOtherCopies();
  assertSubject(subject);
  assertTarget(target);
  await registerBlockKernels();
  assertCombination(pruner);
  await assertCalibrated(pruner, target, subject instanceof tf.LayersModel ? subject : null);
  placePhases(pruner.search.phases, target.totalSteps);
  const pruning =
    subject instanceof tf.LayersModel
      ? pruneModel(subject, inForce(pruner), target)
      : pruneVariables(subject, inForce(pruner), target);
  await pruning.start().catch((error: unknown) => {
    pruning.abandon();
    throw error;
  });
  return pruning;
}

function pruneModel(model: tf.LayersModel, pruner: Pruner, target: Target): ModelPruning {
  assertPrunableForm(model, target);
  const sources = layerKernels(model);
  const others = leftDense(model, sources);
  const { prunable, dense } = choosePrunable(sources, others, target);
  const total = model.countParams();
  const inputs = calibrated(pruner, target);
  if (inputs) assertInputs(pruner, model, prunable);
  const { kernels, settings } = takeOver(prunable, pruner, target);
  const hooks = prunable.map((source, i) =>
    hookLayer(source, kernels[i] as KernelState, target.sparsePhases ?? null, {
      onUse: () => pruning.followOptimizer(),
      onSet: () => pruning.weightsWereSet(),
    }),
  );
  recollectTrainableWeights(model);
  const host: PruningHost = {
    // `Sequential.optimizer` is undefined before compile().
    optimizer: () =>
      target.optimizer === undefined ? (model.optimizer as tf.Optimizer | undefined) : target.optimizer,
    trained: () => {
      const own = new Set(kernels.flatMap(({ ownRates }) => ownRates.map(({ variable }) => variable)));
      return model.trainableWeights.map(variableOf).filter((variable) => !own.has(variable));
    },
    variables: () => {
      const added = new Map(addedTo(kernels).map(({ name, variable }) => [variable, name]));
      return allWeights(model).map(({ name, variable }) => ({ name: added.get(variable) ?? name, variable }));
    },
    weights: () => total,
    ...(inputs && { inputNorms: () => inputNormsOf(model, prunable, [inputs].flat() as tf.Tensor[]) }),
    settle: () => {
      for (const { settle } of hooks) settle();
      undoFit();
      recollectTrainableWeights(model);
    },
    release: () => {
      for (const { release } of hooks) release();
    },
  };
  const pruning = new ModelPruning(settings, kernels, dense, host);
  const undoFit = hookFit(model, pruning);
  return pruning;
}

/** @throws Error where a layer that is to be pruned holds its kernel in another form */
function assertPrunableForm(model: tf.LayersModel, { kernels: allowed = () => true }: Target): void {
  const held = unprunableLayers(model).find(({ path }) => allowed(`${path}/kernel`));
  if (held) throw new Error(`${held.path} cannot be pruned: ${held.reason}`);
}

function pruneVariables(
  variables: Readonly<Record<string, tf.Variable>>,
  pruner: Pruner,
  target: Target,
): VariablePruning {
  const sources = Object.entries(variables).map(([name, variable]) => ({
    name,
    variable,
    kind: 'other' as const,
  }));
  const { prunable, dense } = choosePrunable(sources, [], target);
  const { kernels, settings } = takeOver(prunable, pruner, target);
  const inputs = calibrated(pruner, target) as RowsOf | null;
  const host: PruningHost = {
    ...(inputs && { inputNorms: () => normsOfVariables(kernels, inputs, (name) => pruning.weight(name)) }),
    optimizer: () => target.optimizer ?? null,
    variables: () => [
      ...Object.entries(variables).map(([name, variable]) => ({ name, variable })),
      ...addedTo(kernels),
    ],
    weights: () => Object.values(variables).reduce((sum, { size }) => sum + size, 0),
    settle: () => {},
    release: () => {},
  };
  const pruning = new VariablePruning(variables, settings, kernels, dense, host);
  return pruning;
}

type RowsOf = Extract<Calibration, (...weights: never[]) => unknown>;

/** The calibration inputs, where the strategy scores by them. */
function calibrated({ importance, growth }: Pruner, { calibration }: Target): Calibration | null {
  return importance.usesInputs || growth?.usesInputs ? calibration! : null;
}

/** @throws RangeError where a strategy scores by inputs, and there are none; what `assertCalibration` throws */
async function assertCalibrated(pruner: Pruner, target: Target, model: tf.LayersModel | null): Promise<void> {
  const { name, importance, growth } = pruner;
  const score = [importance, growth].find((each) => each?.usesInputs);
  if (target.calibration !== undefined) return assertCalibration(target.calibration, model);
  if (!score) return;
  throw new RangeError(
    `${name}: the importance '${score.name}' scores by what comes to the layers: give sparsify() some hundred examples of ` +
      'the training set, { calibration: x }',
  );
}

/** @throws RangeError for a layer with a state, or a kernel of which it is not known what its weights are multiplied by */
function assertInputs({ name }: Pruner, model: tf.LayersModel, kernels: readonly LayerKernel[]): void {
  const stateful = statefulLayer(model);
  if (stateful !== null) {
    throw new RangeError(
      `${name} scores by what comes to the layers, and to measure it would change the state of ${stateful}: build it with ` +
        '`stateful: false`, or take another strategy',
    );
  }
  const unknown = kernels.find((kernel) => !hasInputs(kernel));
  if (!unknown) return;
  throw new RangeError(
    `${name} scores by what comes to the layers, and of ${unknown.name} it is not known: it is of a layer of your own. ` +
      'Leave it dense, by `kernels`, or take another strategy',
  );
}

/** @throws RangeError where the rows of a kernel are missing, or of another length than it has rows */
function normsOfVariables(
  kernels: readonly KernelState[],
  rowsOf: RowsOf,
  weight: (name: string) => tf.Tensor,
): tf.Tensor2D[] {
  return tf.tidy(() => {
    const rows = rowsOf(weight);
    return kernels.map(({ name, grid }) => {
      const own = rows[name];
      const [n] = grid.matrixShape;
      const given = own instanceof tf.Tensor;
      if (given && !own.isDisposed && own.shape.at(-1) === n) return normsOfRows(own);
      const shape = given && `${own.isDisposed ? 'a disposed ' : ''}[${own.shape.join(', ')}]`;
      const seen = shape || 'nothing';
      throw new RangeError(
        `calibration has ${seen} for ${name}, and is to have rows of ${n} numbers, […, ${n}]`,
      );
    });
  });
}

/** What parameterisations added to the kernels, trained and not. */
function addedTo(kernels: readonly KernelState[]): NamedVariable[] {
  return kernels.flatMap(({ name, trainables, buffers }) =>
    Object.entries({ ...trainables, ...buffers }).map(([added, variable]) => ({
      name: `${added} of ${name}`,
      variable,
    })),
  );
}

/** Takes the kernels' variables over: from now on they hold raw weights. */
function takeOver(
  sources: readonly KernelSource[],
  pruner: Pruner,
  target: Target,
): { kernels: KernelState[]; settings: PruningSettings } {
  const { sparsity, totalSteps, seed = 0, overrides = {} } = target;
  const grids = sources.map((source) => gridOf(source, target));
  const budget = new Budget(
    target.allocation ?? pruner.allocation ?? uniform,
    sparsity,
    sources.map(({ name, variable }, i) => ({
      grid: grids[i]!,
      kernelShape: variable.shape,
      sparsity: overridesOf(overrides, name).sparsity,
    })),
  );
  const densities = budget.densities();
  const kernels: KernelState[] = [];
  try {
    for (const [i, source] of sources.entries()) {
      const { parameterisation, search } = pruner;
      const own = deriveSeed(seed, i);
      kernels.push(
        new KernelState(source, grids[i]!.blockShape, densities[i]!, parameterisation, search, own),
      );
    }
  } catch (error) {
    for (const kernel of kernels) kernel.finalize();
    throw error;
  }
  return { kernels, settings: { pruner, budget, totalSteps, overrides } };
}
