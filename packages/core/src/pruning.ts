/**
 * The state machine: drives the masks of all kernels through the phases of a search, step by step.
 */
import { type BlockMask, DivergedError, keepAll, keptBlocks, topK } from '@espalier/blocks';
import type * as tf from '@tensorflow/tfjs';

import type { Allocation } from './allocation.js';
import type { KernelState } from './kernel-state.js';
import { resetOptimizerState } from './optimizer-state.js';
import type { Importance, OptimizerStep, Pruner } from './pruner.js';
import { reportKernel, summarize, type DenseKernelReport, type PruningReport } from './report.js';
import {
  phaseAt,
  placePhases,
  progressAt,
  selectsAt,
  sparsePhase,
  type Choice,
  type Phase,
  type PlacedPhase,
} from './search.js';

/** Where a run stands beside its variables: enough to go on after an interruption, as plain data. */
export interface PruningState {
  /** Steps done. */
  readonly step: number;
  /** Of each kernel, by name, the indices of the blocks that its mask keeps. */
  readonly masks: Readonly<Record<string, readonly number[]>>;
}

/** What the state machine asks of the thing whose kernels it prunes. */
export interface PruningHost {
  /** The optimiser to reset at a phase switch; null when there is none with a state, undefined while not known. */
  optimizer(): tf.Optimizer | null | undefined;
  /** All weights of the model, not counting what parameterisations added. */
  weights(): number;
  /** Called once the kernels hold their effective weights, to take the pruning's hooks out. */
  release(): void;
}

export interface PruningSettings {
  readonly pruner: Pruner;
  readonly sparsity: number;
  readonly allocation: Allocation;
  readonly totalSteps: number;
}

/** How a run ends: with the best of what is chosen already, at the target. */
const FINAL = sparsePhase(1);

export class Pruning {
  readonly pruner: Pruner;
  /** The kernels that are pruned. */
  readonly kernels: readonly KernelState[];
  readonly #settings: PruningSettings;
  readonly #host: PruningHost;
  readonly #leftDense: readonly DenseKernelReport[];
  readonly #placed: readonly PlacedPhase[];
  #step = 0;
  #finalized = false;

  constructor(
    settings: PruningSettings,
    kernels: readonly KernelState[],
    leftDense: readonly DenseKernelReport[],
    host: PruningHost,
  ) {
    this.pruner = settings.pruner;
    this.kernels = kernels;
    this.#settings = settings;
    this.#leftDense = leftDense;
    this.#host = host;
    this.#placed = placePhases(settings.pruner.search.phases, settings.totalSteps);
  }

  /** Steps done so far, up to `totalSteps`: what is trained beyond is fine-tuning under the last masks. */
  get stepsDone(): number {
    return this.#step;
  }

  /** The phase of the step to come: `dense`, `sparsification`, `sparse`. */
  get phase(): string {
    return phaseAt(this.#placed, this.#step).phase.name;
  }

  /** Share of blocks that the masks prune now, over the pruned layers. */
  get sparsity(): number {
    const blocks = this.kernels.reduce((sum, { grid }) => sum + grid.blocks, 0);
    return 1 - this.kernels.reduce((sum, { kept }) => sum + kept, 0) / blocks;
  }

  /** The trainables that the parameterisation added, for the list of variables to optimise. */
  get addedVariables(): tf.Variable[] {
    return this.kernels.flatMap(({ trainables }) => Object.values(trainables));
  }

  /** Chooses the masks of the first phase. `sparsify` calls it. */
  async start(): Promise<void> {
    this.#resetOptimizer();
    await this.#enter(0);
  }

  /**
   * To be called after each optimiser step: moves on to the next step's phase and mask, and resets the
   * optimiser at a phase switch.
   *
   * @throws DivergedError when a score is NaN; `abandon` takes the hooks out then.
   */
  async step(): Promise<void> {
    this.#assertRunning();
    if (this.#host.optimizer() === undefined) {
      throw new Error(
        'The model is not compiled, so that the optimiser to reset at phase switches is not known: ' +
          'compile it, or pass `optimizer` to sparsify() (null for one without a state)',
      );
    }
    this.#proximalStep();
    const { totalSteps } = this.#settings;
    this.#step = Math.min(this.#step + 1, totalSteps);
    if (this.#step === totalSteps) return;
    if (this.#step === phaseAt(this.#placed, this.#step).start) this.#resetOptimizer();
    await this.#enter(this.#step);
  }

  /**
   * Ends the run: prunes to the target if the search has not come to it yet, writes the effective weights
   * into the model and takes every hook out of it.
   *
   * @returns what was reached, measured on the weights
   * @throws DivergedError when a score is needed and NaN, or an added variable is not finite.
   */
  async finalize(): Promise<PruningReport> {
    this.#assertRunning();
    await this.#assertFinite();
    // What is left keeps the weights that the network computed with: no variable is touched.
    const mask = (kernel: KernelState, chosen: BlockMask) => kernel.restoreChoice(chosen);
    const learned = this.pruner.search.final === 'learned';
    const targets = learned ? this.#counts(1) : await this.#choose(FINAL, 1, mask);
    this.#letGo();
    const reports = await Promise.all(
      this.kernels.map(async ({ name, grid, variable }, i) =>
        reportKernel(name, grid, targets[i] as number, await variable.data()),
      ),
    );
    return summarize(reports, this.#leftDense, this.#host.weights());
  }

  /**
   * Ends a run that came to nothing, as by a `DivergedError`, without choosing another mask: the model is a plain
   * one again, with the effective weights of the moment.
   */
  abandon(): void {
    this.#assertRunning();
    this.#letGo();
  }

  /** What to store, beside the variables, to go on later; see `restore`. */
  state(): PruningState {
    return {
      step: this.#step,
      masks: Object.fromEntries(
        this.kernels.map(({ name, chosen }) => [
          name,
          Array.from(chosen.keys()).filter((block) => chosen[block]),
        ]),
      ),
    };
  }

  /**
   * Goes on from a stored state. The variables (the model's weights, `addedVariables`, the kernels' `buffers`, the
   * optimiser's slots) are the caller's to restore.
   *
   * @throws RangeError when the state is of other kernels or of a longer run.
   */
  restore(state: PruningState): void {
    this.#assertRunning();
    if (!Number.isInteger(state.step) || state.step < 0 || state.step > this.#settings.totalSteps) {
      throw new RangeError(
        `A state at step ${state.step} is not of a run of ${this.#settings.totalSteps} steps`,
      );
    }
    const masks = this.kernels.map(({ name, grid }) => {
      const kept = state.masks[name];
      if (!kept || kept.some((block) => !Number.isInteger(block) || block < 0 || block >= grid.blocks)) {
        throw new RangeError(`The state has no mask for the ${grid.blocks} blocks of ${name}`);
      }
      const mask = new Uint8Array(grid.blocks);
      for (const block of kept) mask[block] = 1;
      return mask;
    });
    const { others } = phaseAt(this.#placed, state.step).phase;
    this.kernels.forEach((kernel, i) => kernel.restoreChoice(masks[i] as BlockMask, others));
    this.#step = state.step;
    this.#recordGradients();
  }

  /** The proximal step that follows the optimiser's, where the parameterisation has one. */
  #proximalStep(): void {
    const placed = phaseAt(this.#placed, this.#step);
    const step: OptimizerStep = {
      share: placed.phase.curve(progressAt(placed, this.#step)),
      learningRate: () => {
        const { learningRate } = (this.#host.optimizer() ?? {}) as { learningRate?: number };
        if (learningRate !== undefined) return learningRate;
        throw new Error(
          `${this.pruner.name} takes a proximal step and needs the learning rate: pass sparsify() an optimizer ` +
            'that has the field learningRate, as those of tf.train do',
        );
      },
    };
    for (const kernel of this.kernels) kernel.proximalStep(step);
  }

  /** Chooses the blocks for a step, if they are to be chosen there. */
  async #enter(step: number): Promise<void> {
    const placed = phaseAt(this.#placed, step);
    if (selectsAt(placed, step)) await this.#choose(placed.phase, progressAt(placed, step));
    this.#recordGradients();
  }

  /** Records gradients in the step before a choice that scores by them; the last one may be `finalize`'s. */
  #recordGradients(): void {
    const { importance, growth } = this.pruner;
    if (!importance.usesGradient && !growth?.usesGradient) return;
    const next = this.#step + 1;
    const last = next === this.#settings.totalSteps;
    const records = last ? importance.usesGradient === true : selectsAt(phaseAt(this.#placed, next), next);
    for (const kernel of this.kernels) kernel.recordGradient(records);
  }

  /**
   * Gives every kernel a new choice of blocks.
   *
   * @returns how many blocks the target allows each
   */
  async #choose(
    phase: Pick<Phase, 'curve' | 'candidates' | 'choose' | 'others'>,
    progress: number,
    take = (kernel: KernelState, chosen: BlockMask) => kernel.choose(chosen, phase.others),
  ): Promise<number[]> {
    const { allocation, pruner } = this.#settings;
    const share = phase.curve(progress);
    let keep = this.#counts(share);
    const candidates = this.kernels.map(({ chosen, mask, grid }, i) => {
      if (phase.candidates === 'all') return keepAll(grid.blocks);
      // Forward selection that ends early has chosen too few: what is active fills up.
      return keptBlocks(chosen) < (keep[i] as number) ? mask : chosen;
    });
    const dependsOnScores =
      phase.choose !== undefined ||
      (share > 0 && allocation.byScore) ||
      keep.some((k, i) => k < keptBlocks(candidates[i] as BlockMask));
    // Read back from the device only where the choice depends on them.
    const scores = dependsOnScores ? await this.#scores(pruner.importance) : this.#zeros();
    if (allocation.byScore && share > 0) keep = this.#counts(share, scores, candidates);
    const growthScores = pruner.growth && phase.choose ? await this.#scores(pruner.growth) : this.#zeros();

    const best = (choice: Choice) => topK(choice.scores, choice.keep, choice.candidates);
    const chosen = this.kernels.map(({ index, grid, chosen }, i) =>
      (phase.choose ?? best)({
        index,
        grid,
        scores: scores[i] as Float32Array,
        growthScores: growthScores[i] as Float32Array,
        chosen,
        candidates: candidates[i] as BlockMask,
        keep: keep[i] as number,
        progress,
      }),
    );
    this.kernels.forEach((kernel, i) => take(kernel, chosen[i] as BlockMask));
    return keep;
  }

  /** How many blocks each kernel keeps at a share of the target sparsity. */
  #counts(shareOfTarget: number, scores = this.#zeros(), candidates?: readonly BlockMask[]): number[] {
    const { allocation, sparsity } = this.#settings;
    return allocation.keep(
      this.kernels.map(({ grid, variable }, i) => ({
        grid,
        kernelShape: variable.shape,
        scores: (scores[i] as Float32Array).map((score, block) =>
          candidates && !candidates[i]?.[block] ? -Infinity : score,
        ),
      })),
      sparsity * shareOfTarget,
    );
  }

  #scores(importance: Importance): Promise<Float32Array[]> {
    return Promise.all(this.kernels.map((kernel) => kernel.scores(importance)));
  }

  #zeros(): Float32Array[] {
    return this.kernels.map(({ grid }) => new Float32Array(grid.blocks));
  }

  /** tfjs' wasm backend clips NaN to a bound: attention from logits that are NaN would pass for sound. */
  async #assertFinite(): Promise<void> {
    for (const { name, trainables } of this.kernels) {
      for (const [added, variable] of Object.entries(trainables)) {
        if ((await variable.data()).every(Number.isFinite)) continue;
        throw new DivergedError(`Not every number of ${added} of ${name} is finite`);
      }
    }
  }

  #letGo(): void {
    this.#finalized = true;
    for (const kernel of this.kernels) kernel.finalize();
    this.#host.release();
    this.#resetOptimizer();
  }

  /**
   * Makes the optimiser forget. Also at the start and the end of a run: tfjs keeps slots by a variable's place
   * among those that train, and there the added ones come and go.
   */
  #resetOptimizer(): void {
    const optimizer = this.#host.optimizer();
    if (optimizer) resetOptimizerState(optimizer);
  }

  #assertRunning(): void {
    if (this.#finalized) throw new Error('This pruning run has ended: start another with sparsify()');
  }
}
