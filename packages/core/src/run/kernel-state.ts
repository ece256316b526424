/**
 * One kernel under pruning: the variables that train, the mask, and the effective weight made of them.
 */
import {
  blockGrid,
  type BlockGrid,
  type BlockMask,
  keepAll,
  keepBlocks,
  keptBlocks,
  matrixShape,
  scaleBlocks,
  type Shape2D,
  TrainingMask,
} from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { identity } from '../parameterisations.js';
import type { Importance, Parameterisation, PrunedKernel, ScoredKernel } from '../pruner.js';
import type { Phase, Search } from '../search/phases.js';
import { hold, keepsZeros, letGo } from './held-variables.js';
import { ownRatesOf, type OwnRate } from './own-rates.js';
import { rawOf } from './raw-weight.js';
import { RecordedGradient } from './recorded-gradient.js';
import { weightFactors, type WeightFactors } from './sparse-execution.js';

/** A kernel that may be pruned, before it is. */
export interface KernelSource {
  /** `layer/weight`. */
  readonly name: string;
  readonly variable: tf.Variable;
  readonly kind: 'depthwise' | 'other';
}

export class KernelState implements PrunedKernel {
  readonly name: string;
  readonly seed: number;
  readonly grid: BlockGrid;
  /** The target density; the run sets it where the allocation goes by scores. */
  density: number;
  /** What the optimiser trains, in the kernel's own shape. */
  readonly variable: tf.Variable;
  /** The loss' gradient by the effective weight, where a choice goes by it. */
  readonly recorded = new RecordedGradient();
  #trainables: Readonly<Record<string, tf.Variable>>;
  #buffers: Readonly<Record<string, tf.Variable>> = {};
  #ownRates: readonly OwnRate[];
  #parameterisation: Parameterisation;
  #search: Pick<Search, 'prunedWeights' | 'gradient'>;
  #chosen: BlockMask;
  #mask: BlockMask;
  #kept: number;
  /** The mask as a step uses it; null while every block is kept, so that nothing is multiplied by one. */
  #masking: TrainingMask | null = null;
  /** One that keeps every block. */
  #whole: TrainingMask | null = null;
  /** What was last shown of the effective weight. */
  #shown: tf.Tensor | null = null;

  /** Takes the variable over: from now on it holds the raw weight whose effective weight it held before. */
  constructor(
    source: KernelSource,
    blockShape: Shape2D,
    density: number,
    parameterisation: Parameterisation,
    search: Pick<Search, 'prunedWeights' | 'gradient'>,
    seed = 1,
  ) {
    this.name = source.name;
    this.seed = seed;
    this.variable = source.variable;
    this.grid = blockGrid(matrixShape(source.variable.shape, source.kind), blockShape);
    this.density = density;
    this.#parameterisation = parameterisation;
    this.#search = search;
    this.#chosen = keepAll(this.grid.blocks);
    this.#mask = this.#chosen;
    this.#kept = this.grid.blocks;
    this.#trainables = variablesOf(
      tf.tidy(() => parameterisation.trainables?.(this) ?? {}),
      true,
    );
    this.#buffers = variablesOf(
      tf.tidy(() => parameterisation.buffers?.(this) ?? {}),
      false,
    );
    const { rates, moments } = ownRatesOf(this, parameterisation, () => this.#masking?.tensor ?? null);
    this.#ownRates = rates;
    this.#buffers = { ...this.#buffers, ...moments };
    this.#assign((weight) => parameterisation.raw?.(weight, this, this.#trainables) ?? weight);
    hold(this.variable);
  }

  /** What the parameterisation added. */
  get trainables(): Readonly<Record<string, tf.Variable>> {
    return this.#trainables;
  }

  /** Those of them that have a learning rate of their own. */
  get ownRates(): readonly OwnRate[] {
    return this.#ownRates;
  }

  /** What the parameterisation remembers without training it, and the moments of what has a learning rate of its own. */
  get buffers(): Readonly<Record<string, tf.Variable>> {
    return this.#buffers;
  }

  /** The blocks that were chosen last; all, before the first choice. */
  get chosen(): BlockMask {
    return this.#chosen;
  }

  /** The blocks that the network computes with. */
  get mask(): BlockMask {
    return this.#mask;
  }

  /** How many. */
  get kept(): number {
    return this.#kept;
  }

  /** How many tensors it holds for masking, those among them into which the next step writes. */
  get maskTensors(): number {
    return (this.#masking?.tensors ?? 0) + (this.#whole?.tensors ?? 0);
  }

  /** The weight that the network computes with, in the kernel's own shape; differentiable. */
  effective(): tf.Tensor {
    if (!this.recorded.records) return this.#computed();
    return tf.tidy(() =>
      shaped(this.recorded.through(shaped(this.#computed(), this.grid.matrixShape)), this.variable.shape),
    );
  }

  /** The effective weight, of which no gradient is recorded; the variable itself, where it is as it trains. */
  #computed(): tf.Tensor {
    const { elementwise, blockScale } = this.#parameterisation;
    if (!elementwise && !blockScale && !this.#masking) return this.variable;
    return tf.tidy(() => {
      const raw = shaped<tf.Tensor2D>(this.variable, this.grid.matrixShape);
      return shaped(this.#effectiveMatrix(this.#masking, raw), this.variable.shape);
    });
  }

  /** The mask, where what it leaves out has no part in a step, so that a sparse product may stand for the dense one. */
  get sparseMask(): TrainingMask | null {
    return this.recorded.records || this.#search.gradient === 'all' ? null : this.#masking;
  }

  /** The effective weight before it is multiplied out and masked; differentiable. Of a matrix `raw` is the variable itself. */
  factors(raw: tf.Tensor2D = shaped(this.variable, this.grid.matrixShape)): WeightFactors {
    return weightFactors(this.#parameterisation, raw, this.trainables, this);
  }

  /**
   * One score a block, read back from the device.
   *
   * @param inputNorms of its inputs, where the importance goes by them
   */
  async scores(importance: Importance, inputNorms?: tf.Tensor2D): Promise<Float32Array> {
    // What it scores by may be the score itself.
    const scores = tf.tidy(() => importance.score(this.#scored(inputNorms)).clone());
    try {
      if (scores.shape.join() !== this.grid.gridShape.join()) {
        throw new RangeError(
          `${importance.name} scored ${this.name} with shape [${scores.shape.join(', ')}], ` +
            `not one score a block, [${this.grid.gridShape.join(', ')}]`,
        );
      }
      return (await scores.data()) as Float32Array;
    } finally {
      scores.dispose();
    }
  }

  /** Takes a new choice of blocks: those that are not chosen are pruned, or stay active. */
  choose(chosen: BlockMask, others: Phase['others'] = 'pruned'): void {
    const { prunedWeights, gradient } = this.#search;
    // What lies outside the old mask may have moved since, by momentum alone unless it has a gradient.
    if (prunedWeights === 'erased' && gradient !== 'all') this.erase();
    this.restoreChoice(chosen, others);
    if (prunedWeights === 'erased') this.erase();
    tf.tidy(() =>
      this.#parameterisation.afterChoice?.({
        ...this.#scored(),
        trainables: this.#trainables,
        buffers: this.#buffers,
        chosen,
      }),
    );
  }

  /** Puts back an earlier choice, and touches no variable. */
  restoreChoice(chosen: BlockMask, others: Phase['others'] = 'pruned'): void {
    if (chosen.length !== this.grid.blocks) {
      throw new RangeError(`${this.name} has ${this.grid.blocks} blocks, the choice ${chosen.length}`);
    }
    const before = this.#mask;
    // A copy: the caller may write into its own.
    this.#chosen = chosen.slice();
    this.#mask = others === 'active' ? keepAll(chosen.length) : this.#chosen;
    this.#kept = keptBlocks(this.#mask);
    const isSame = this.#mask.every((bit, block) => bit === before[block]);
    if (isSame) return;
    if (this.#kept < this.grid.blocks) {
      this.#masking = new TrainingMask(this.grid, this.#mask, this.#masking ?? undefined);
    } else {
      this.#masking?.dispose();
      this.#masking = null;
    }
  }

  /** 1 for each weight of these blocks, 0 for the others, in the kernel's own shape. */
  weightsOf(blocks: BlockMask): tf.Tensor {
    const { matrixShape, gridShape } = this.grid;
    return tf.tidy(() =>
      scaleBlocks(
        tf.ones([...matrixShape]),
        tf.tensor2d(new Float32Array(blocks), [...gridShape]),
        this.grid,
      ).reshape(this.variable.shape),
    );
  }

  /**
   * The parameterisation's proximal step, where it has one.
   *
   * @param sizeOf how far the optimiser's last step went, of a variable
   */
  proximalStep(share: number, sizeOf: (variable: tf.Variable) => tf.Tensor): void {
    const { proximal } = this.#parameterisation;
    if (!proximal) return;
    const stepSize = (trainable?: string) => {
      const variable = trainable === undefined ? this.variable : this.trainables[trainable];
      if (!variable) throw new RangeError(`${this.#parameterisation.name} trains no '${trainable}'`);
      const size = sizeOf(variable);
      return trainable || size.rank === 0 ? size : size.reshape([...this.grid.matrixShape]);
    };
    this.#assign((raw) => proximal(raw, this, { share, stepSize }));
  }

  /** The effective weight as a tensor of the kernel's own, which holds until the next call or the end of the run. */
  show(): tf.Tensor {
    this.#shown?.dispose();
    this.#shown = tf.keep(tf.tidy(() => this.#computed().clone()));
    return this.#shown;
  }

  /**
   * @param value an effective weight, in the kernel's own shape
   * @returns what makes the network compute with it
   * @throws Error where nothing that can be trained comes to it under the mask and the parameterisation of the moment
   */
  settingOf(value: tf.Tensor): () => void {
    const raw = tf.tidy(() => {
      const { grid } = this;
      const effective = (trained: tf.Tensor2D) => this.#effectiveMatrix(this.#masking, trained);
      const inverse = (weight: tf.Tensor2D) =>
        this.#parameterisation.raw?.(weight, this, this.#trainables) ?? weight;
      const wayOut = keepsZeros(this.variable)
        ? 'release() the run that keeps its zeros first'
        : 'To go back to an earlier moment of a run, take `await pruning.checkpoint()` then, and give it to ' +
          'pruning.resume()';
      const coordinates = { effective, inverse, wayOut };
      const found = rawOf(this.name, shaped<tf.Tensor2D>(value, grid.matrixShape), grid, coordinates);
      // What the mask leaves out stays: it may come back, and some parameterisations could not leave zero.
      const mask = this.#masking;
      if (!mask) return found;
      const inMask = scaleBlocks(tf.ones([...grid.matrixShape]), mask.tensor, grid);
      return tf.where<tf.Tensor2D>(inMask.cast('bool'), found, this.#raw());
    });
    return () => {
      tf.tidy(() => this.variable.assign(shaped(raw, this.variable.shape)));
      raw.dispose();
    };
  }

  /**
   * Writes the effective weight into the variable, which is a plain weight from then on; lets go of the rest, but for the
   * mask where the zeros are to be kept.
   */
  finalize(keepZeros = false): void {
    if (this.variable.isDisposed) return this.#letGo(false);
    // −0 + 0 is 0: a pruned block is to hold the zeros that a file without it gives back.
    tf.tidy(() => this.variable.assign(this.#computed().add(0)));
    this.#letGo(keepZeros);
  }

  #letGo(keepZeros: boolean): void {
    this.#parameterisation = identity;
    this.#search = { prunedWeights: 'masked' };
    this.recorded.dispose();
    // A model that was disposed of has let go of those already.
    tf.dispose(
      Object.values({ ...this.#trainables, ...this.#buffers }).filter(({ isDisposed }) => !isDisposed),
    );
    this.#shown?.dispose();
    this.#whole?.dispose();
    this.#whole = null;
    this.#shown = null;
    this.#trainables = {};
    this.#buffers = {};
    this.#ownRates = [];
    if (keepZeros) letGo(this.variable, true);
    else this.release();
  }

  /** Lets go of the mask: what trains from now on may leave zero. */
  release(): void {
    this.#masking?.dispose();
    this.#shown?.dispose();
    this.#masking = null;
    this.#shown = null;
    letGo(this.variable, false);
  }

  #scored(inputNorms?: tf.Tensor2D): ScoredKernel {
    const { name, seed, grid, density, trainables, buffers } = this;
    return {
      name,
      seed,
      grid,
      density,
      trainables,
      buffers,
      raw: this.#raw(),
      effective: () => this.#effectiveMatrix(null),
      gradient: () => this.recorded.gradient ?? tf.zeros([...grid.matrixShape]),
      inputNorms: () => {
        if (inputNorms) return inputNorms;
        throw new Error(
          `The norms of the inputs of ${name} were asked for, and are known to an importance that says so: usesInputs: true`,
        );
      },
    };
  }

  #raw(): tf.Tensor2D {
    return this.variable.reshape([...this.grid.matrixShape]);
  }

  #effectiveMatrix(mask: TrainingMask | null, raw = this.#raw()): tf.Tensor2D {
    if (mask && this.#search.gradient === 'all') {
      return maskStraightThrough(this.#effectiveMatrix(null, raw), mask);
    }
    const { elementwise, blockScale } = this.#parameterisation;
    const onePass = elementwise && blockScale ? undefined : (elementwise ?? blockScale)?.onePass;
    if (onePass) return onePass(raw, this.trainables, this, mask ?? this.#keepingAll());
    const { elementwise: made, blockScale: ownScale } = this.factors(raw);
    const weight = made?.(raw) ?? raw;
    if (!ownScale) return mask ? keepBlocks(weight, mask) : weight;
    return scaleBlocks(weight, mask?.masked(ownScale) ?? ownScale, this.grid);
  }

  #keepingAll(): TrainingMask {
    this.#whole ??= new TrainingMask(this.grid, keepAll(this.grid.blocks));
    return this.#whole;
  }

  /** Sets the raw weights outside the mask to zero. */
  erase(): void {
    const mask = this.#masking;
    if (mask) this.#assign((raw) => scaleBlocks(raw, mask.tensor, this.grid));
  }

  /** Replaces the raw weight by a function of itself, both as matrices. */
  #assign(change: (raw: tf.Tensor2D) => tf.Tensor2D): void {
    tf.tidy(() => this.variable.assign(change(this.#raw()).reshape(this.variable.shape)));
  }
}

/** The tensor itself where it has the shape already: reshaping costs an op, forward and back, at every step. */
function shaped<T extends tf.Tensor>(tensor: tf.Tensor, shape: readonly number[]): T {
  return (tensor.shape.join() === shape.join() ? tensor : tensor.reshape([...shape])) as T;
}

function variablesOf(
  initial: Readonly<Record<string, tf.Tensor>>,
  trainable: boolean,
): Readonly<Record<string, tf.Variable>> {
  return Object.fromEntries(
    Object.entries(initial).map(([name, value]) => {
      const variable = tf.variable(value, trainable);
      value.dispose();
      return [name, variable];
    }),
  );
}

/** The masked weight, with the gradient of the unmasked one. */
function maskStraightThrough(weight: tf.Tensor2D, mask: TrainingMask): tf.Tensor2D {
  return tf.customGrad((x) => ({
    value: keepBlocks(x as tf.Tensor2D, mask),
    gradFunc: (dy: tf.Tensor) => dy,
  }))(weight) as tf.Tensor2D;
}
