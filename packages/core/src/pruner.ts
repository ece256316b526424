/**
 * The interface behind which every strategy stands.
 *
 * A strategy is a point on three axes: how the weight is parameterised, how a block is scored, and how the mask is
 * searched for. (The fourth, allocation, belongs to the target; a method may have one of its own, which the target
 * overrules.) Each is a value, so a new method is a new combination, as
 * `{ ...acdc(), parameterisation: powerpropagationParameterisation() }`. What does not fit together is refused by
 * `assertCombination` before the first step.
 */
import type { BlockGrid, BlockMask, TrainingMask } from '@espalier/blocks';
import type * as tf from '@tensorflow/tfjs';

import type { Allocation } from './allocation.js';
import type { Search } from './search/phases.js';

/** What a strategy knows of a kernel that is being pruned. */
export interface PrunedKernel {
  /** `layer/weight`, for messages and reports. */
  readonly name: string;
  /**
   * What chance is to be drawn from, a whole number from 1 to 2³² − 1: of the run's seed, and another for each kernel.
   * For more than one draw, `deriveSeed(seed, purpose)`.
   */
  readonly seed: number;
  readonly grid: BlockGrid;
  /**
   * The density d that the kernel has at the full target, above 0 and at most 1: `1 − s` under uniform allocation, else
   * what the allocation gives it before that is rounded to whole blocks. Under an allocation by scores it is `1 − s`
   * until the first choice that reads them, and from then on the share that the scores of the latest one would keep, or
   * `1 − s` where that is less.
   */
  readonly density: number;
  /** What the parameterisation remembers of the kernel without training it, by name. */
  readonly buffers: Readonly<Record<string, tf.Tensor>>;
}

/** The trainable quantities that a parameterisation adds to a kernel, by name. */
export type Trainables = Readonly<Record<string, tf.Tensor>>;

/**
 * The effective weight `[n, m]`, zero outside of the kept blocks, which of `mask` may be all. Differentiable by the raw
 * weight and the trainables.
 */
export type OnePass = (
  raw: tf.Tensor2D,
  trainables: Trainables,
  kernel: PrunedKernel,
  mask: TrainingMask,
) => tf.Tensor2D;

/** A part of what makes the effective weight, and an op that makes the whole of it: see `inOnePass`. */
export interface PartOfWeight {
  (raw: tf.Tensor2D, trainables: Trainables, kernel: PrunedKernel): tf.Tensor2D;
  readonly onePass?: OnePass;
}

/**
 * How the weight that the network computes with is made from what the optimiser trains:
 *
 *     effective = elementwise(raw) ⊙ blockScale ⊙ mask
 *
 * Core applies the mask, and fuses it with the block scale into one pass over the weight. Every function is
 * made of differentiable tfjs operations.
 *
 * @example
 * ```ts
 * // Powerpropagation at α = 2 (arXiv 2110.00296): the weight is the square of what trains, with its sign.
 * import { type Parameterisation, sparsify } from '@espalier/core';
 * import { magnitude } from '@espalier/magnitude';
 * import * as tf from '@tensorflow/tfjs';
 *
 * const squares: Parameterisation = {
 *   name: 'squares',
 *   raw: (weight) => weight.sign().mul(weight.abs().sqrt()),
 *   elementwise: (raw) => raw.mul(raw.abs()),
 *   zeroIsStuck: true, // the slope is 2|raw|
 * };
 *
 * const w = tf.variable(tf.tensor2d([[4], [-9]]));
 * const pruner = { ...magnitude(), parameterisation: squares };
 * const target = { sparsity: 0.5, blockShape: [1, 1], minimumBlocks: 2, totalSteps: 10 } as const;
 * const pruning = await sparsify({ w }, pruner, { ...target, optimizer: null });
 * console.log([...w.dataSync()], [...pruning.weight('w').dataSync()]); // [ 2, -3 ] [ 4, -9 ]
 * ```
 */
export interface Parameterisation {
  readonly name: string;
  /** Not a whole strategy: of that, take its `parameterisation`. */
  readonly search?: never;
  /** Not a function: call it. */
  readonly apply?: never;
  /** Initial values of the trainables that it adds. They have a part in the effective weight from the first step. */
  trainables?(kernel: PrunedKernel): Trainables;
  /**
   * Learning rates of trainables that are not to have the optimiser's, by name. Core trains these in its place, by Adam
   * (β₁ 0.9, β₂ 0.999): a step moves each number by the rate, or less where its gradient turns, whatever the gradient's
   * scale. The optimiser never sees them, nor does the kernel's regularizer; whenever it is reset, their moments are.
   * Where there is a number for each block, those of pruned blocks stand still.
   */
  readonly learningRates?: Readonly<Record<string, LearningRate>>;
  /** Initial values of what it remembers without training it; saved with the model's weights. */
  buffers?(kernel: PrunedKernel): Readonly<Record<string, tf.Tensor>>;
  /**
   * The raw weight whose effective weight is `weight`, `[n, m]`; the weight itself, when absent. Asked for when a run
   * starts, and when weights are set in its midst. A factor for each block that comes of trainables, as attention, may be
   * left to core, which finds it out.
   */
  raw?(weight: tf.Tensor2D, kernel: PrunedKernel, trainables: Trainables): tf.Tensor2D;
  /**
   * A function of each raw weight alone; the identity, when absent. It is given the whole kernel, `[n, m]`, or
   * the weights of the kept blocks as a matrix of another shape.
   */
  elementwise?: PartOfWeight;
  /** A factor for each block, `[R, C]`; one, when absent. */
  blockScale?: PartOfWeight;
  /**
   * Called after every choice of blocks that training goes on with: may assign to the kernel's trainables and
   * buffers.
   */
  afterChoice?(kernel: ChosenKernel): void;
  /**
   * The raw weight after a proximal step, called after every optimiser step. May assign to the kernel's
   * trainables and buffers.
   */
  proximal?(raw: tf.Tensor2D, kernel: TrainedKernel, step: OptimizerStep): tf.Tensor2D;
  /**
   * Whether a block may stay for good where its raw weights are zeros, as it has no gradient there: see
   * `Search.prunedWeights`.
   */
  readonly zeroIsStuck?: boolean;
  /**
   * Whether it is one for blocks that compute without being chosen, and nothing without them: only a search of which a
   * phase leaves them active has any.
   */
  readonly needsActive?: boolean;
  /** Whether it takes the blocks that are not chosen for those of smaller norm: the importance must be one `byNorm`. */
  readonly needsNorm?: boolean;
}

/** The learning rate of a step, counted from 0, of a run of `totalSteps`; past its end too. Finite, from 0. */
export type LearningRate = (kernel: PrunedKernel, step: number, totalSteps: number) => number;

/** A kernel with what its parameterisation added, to be assigned to. */
export interface TrainedKernel extends PrunedKernel {
  readonly trainables: Readonly<Record<string, tf.Variable>>;
  readonly buffers: Readonly<Record<string, tf.Variable>>;
}

/** The optimiser step that a proximal step follows. */
export interface OptimizerStep {
  /**
   * How far the step goes: what it has moved each number by for each unit of a gradient that has been the same since
   * the optimiser was last reset, k steps ago: η under plain SGD, `η (1 − μᵏ) / (1 − μ)` under momentum,
   * `η / (√v̂ + ε)` under Adam. The proximal step of a penalty λP is `argmin_x ½ Σ (x − w)² / t + λ P(x)` for a t so
   * made: then it is the loss with that penalty that is minimised, whatever the optimiser.
   *
   * @param trainable by its name; the raw weight when absent
   * @returns a scalar, or a tensor of the shape of what trains, `[n, m]` of the raw weight
   * @throws Error where the optimiser does not tell
   */
  stepSize(trainable?: string): tf.Tensor;
  /** The share of the target sparsity that the search asked for in this step, 0 to 1. */
  readonly share: number;
}

/** What there is to score the blocks of a kernel by. */
export interface ScoredKernel extends PrunedKernel {
  /** What the optimiser trains, `[n, m]`. */
  readonly raw: tf.Tensor2D;
  readonly trainables: Trainables;
  /** The effective weight as it would be without the mask, `[n, m]`. */
  effective(): tf.Tensor2D;
  /** The loss' gradient by the effective weight in the last step, `[n, m]`; zeros before the first. */
  gradient(): tf.Tensor2D;
  /**
   * `‖X‖₂` of the numbers that each weight is multiplied by, over the target's calibration inputs and all places, with the
   * weights of the moment: `[n, 1]` where the weights of a row meet the same, as in dense layers and convolutions;
   * `[1, m]` of transposed convolutions, `[n, m]` of depthwise ones and of a GRU's recurrent kernel; of an embedding's rows
   * the root of how often each is looked up. From 0; positions that a mask leaves out are counted. To be asked for by an importance that says so by `usesInputs`.
   */
  inputNorms(): tf.Tensor2D;
}

/** A kernel whose blocks were just chosen. */
export interface ChosenKernel extends ScoredKernel, TrainedKernel {
  readonly trainables: Readonly<Record<string, tf.Variable>>;
  readonly buffers: Readonly<Record<string, tf.Variable>>;
  /** The choice, 1 a chosen block. */
  readonly chosen: BlockMask;
}

export interface Importance {
  readonly name: string;
  /** One score a block, `[R, C]`; the higher, the more important. */
  score(kernel: ScoredKernel): tf.Tensor2D;
  /** Whether it asks for `kernel.gradient()`, which is recorded only then. */
  readonly usesGradient?: boolean;
  /** Whether it asks for `kernel.inputNorms()`: then the target must have a `calibration`. */
  readonly usesInputs?: boolean;
  /**
   * The trainables and buffers that it scores by: the parameterisation must have them. What they tell, they have from
   * training, so that no search may prune by them before the first step.
   */
  readonly needs?: readonly string[];
  /** Whether it is the norm of the block's weights. */
  readonly byNorm?: boolean;
}

/** A pruning strategy. Immutable; all state lives in the run that `sparsify` starts. */
export interface Pruner {
  /** Lower case, words joined by hyphens; how the harness calls it. */
  readonly name: string;
  /** One line, for lists. */
  readonly description: string;
  /** Where it comes from: authors, year, arXiv number. */
  readonly source: string;
  /** The settings it was made with, plain data: part of a trial's identity. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly parameterisation: Parameterisation;
  readonly importance: Importance;
  /** A second score, for searches that drop blocks by one and grow them by another. */
  readonly growth?: Importance;
  readonly search: Search;
  /** The method's own allocation, where its paper has one: in force unless the target names another. */
  readonly allocation?: Allocation;
}
