/**
 * The state machine: drives the masks of all kernels through the phases of a search, step by step.
 */
import { type BlockMask, DivergedError, keepAll, keptBlocks, topK } from '@espalier/blocks';
import type * as tf from '@tensorflow/tfjs';

import type { Allocation } from '../allocation.js';
import type { Budget } from './budget.js';
import type { KernelState } from './kernel-state.js';
import { resetOptimizerState } from './optimizer-state.js';
import { stepSize } from './step-size.js';
import { assertStep, densitiesOf, masksOf, stateOf, type PruningState } from './state.js';
import type { Importance, Pruner } from '../pruner.js';
import { overridesOf, type Overrides } from '../overrides.js';
import { reportKernel, summarize, type DenseKernelReport, type PruningReport } from '../report.js';
import { sparsePhase, type Choice, type Phase } from '../search/phases.js';
import { phaseAt, placePhases, progressAt, selectsAt, type PlacedPhase } from '../search/placing.js';

/** What the state machine asks of the thing whose kernels it prunes. */
export interface PruningHost {
  /** The optimiser to reset at a phase switch; null when there is none with a state, undefined while not known. */
  optimizer(): tf.Optimizer | null | undefined;
  /** The variables that the optimiser trains, in its order, where that is known. */
  trained?(): readonly tf.Variable[];
  /** All weights of the model, not counting what parameterisations added. */
  weights(): number;
  /** Called once the kernels hold their effective weights, to take the pruning's hooks out. */
  release(): void;
}

export interface PruningSettings {
  readonly pruner: Pruner;
  readonly budget: Budget;
  readonly totalSteps: number;
  /** What the target gives single kernels, for the report. */
  readonly overrides: Overrides;
}

/** A choice of blocks for every kernel, not yet taken. */
interface Selection {
  /** How many blocks the target allows each. */
  readonly keep: readonly number[];
  readonly chosen: readonly BlockMask[];
  /** The density that the scores give each at the full target; null where they do not tell it. */
  readonly densities: readonly number[] | null;
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

  /** The allocation in force: the target's, the strategy's own, or `uniform`. */
  get allocation(): Allocation {
    return this.#settings.budget.allocation;
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
    const targets = await this.#cutToTarget();
    this.#letGo();
    const { overrides } = this.#settings;
    const reports = await Promise.all(
      this.kernels.map(async ({ name, grid, variable }, i) =>
        reportKernel(name, grid, targets[i]!, await variable.data(), overridesOf(overrides, name)),
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
    return stateOf(this.#step, this.kernels, this.#settings.budget.byScore);
  }

  /**
   * Goes on from a stored state. The variables (the model's weights, `addedVariables`, the kernels' `buffers`, the
   * optimiser's slots) are the caller's to restore.
   *
   * @throws RangeError when the state is of other kernels, of a longer run or under another kind of allocation.
   */
  restore(state: PruningState): void {
    this.#assertRunning();
    const { totalSteps, budget } = this.#settings;
    assertStep(state.step, totalSteps);
    const masks = masksOf(state, this.kernels);
    const densities = densitiesOf(state, this.kernels, budget.byScore);
    const { others } = phaseAt(this.#placed, state.step).phase;
    this.kernels.forEach((kernel, i) => {
      kernel.restoreChoice(masks[i]!, others);
      if (densities) kernel.density = densities[i]!;
    });
    this.#step = state.step;
    this.#recordGradients();
  }

  /** The proximal step that follows the optimiser's, where the parameterisation has one. */
  #proximalStep(): void {
    const placed = phaseAt(this.#placed, this.#step);
    const share = placed.phase.curve(progressAt(placed, this.#step));
    const sizeOf = (variable: tf.Variable) => {
      const optimizer = this.#host.optimizer();
      if (optimizer) return stepSize(optimizer, variable, this.#host.trained?.());
      throw new Error(
        `${this.pruner.name} takes a proximal step and needs to know how far the optimizer's own goes: pass it to ` +
          'sparsify() as `optimizer`',
      );
    };
    for (const kernel of this.kernels) kernel.proximalStep(share, sizeOf);
  }

  /** Chooses the blocks for a step, if they are to be chosen there. */
  async #enter(step: number): Promise<void> {
    const placed = phaseAt(this.#placed, step);
    if (selectsAt(placed, step)) {
      const { phase } = placed;
      const { chosen, densities } = await this.#select(phase, progressAt(placed, step));
      this.kernels.forEach((kernel, i) => {
        if (densities) kernel.density = densities[i]!;
        kernel.choose(chosen[i]!, phase.others);
      });
    }
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
   * Prunes to the target, if the search is to come to it. What is left keeps the weights that the network computed
   * with: no variable is touched, nor what the attention is clipped to.
   *
   * @returns how many blocks the target allows each kernel
   */
  async #cutToTarget(): Promise<readonly number[]> {
    if (this.pruner.search.final === 'learned') return this.#settings.budget.counts(1);
    const { keep, chosen } = await this.#select(FINAL, 1);
    this.kernels.forEach((kernel, i) => kernel.restoreChoice(chosen[i]!));
    return keep;
  }

  /** Chooses blocks for every kernel. */
  async #select(phase: Pick<Phase, 'curve' | 'candidates' | 'choose'>, progress: number): Promise<Selection> {
    const { budget, pruner } = this.#settings;
    const share = phase.curve(progress);
    let keep = budget.counts(share);
    const candidates = this.kernels.map(({ chosen, mask, grid }, i) => {
      if (phase.candidates === 'all') return keepAll(grid.blocks);
      // Forward selection that ends early has chosen too few: what is active fills up.
      return keptBlocks(chosen) < keep[i]! ? mask : chosen;
    });
    // Read back from the device only where the choice depends on them.
    const readsScores =
      phase.choose !== undefined ||
      (share > 0 && budget.byScore) ||
      keep.some((k, i) => k < keptBlocks(candidates[i]!));
    const scores = readsScores ? await this.#scores(pruner.importance) : this.#zeros();
    const scored = { scores, candidates };
    if (budget.byScore && share > 0) keep = budget.counts(share, scored);
    const growthScores = pruner.growth && phase.choose ? await this.#scores(pruner.growth) : this.#zeros();

    const best = (choice: Choice) => topK(choice.scores, choice.keep, choice.candidates);
    const chosen = this.kernels.map(({ seed, grid, chosen }, i) =>
      (phase.choose ?? best)({
        seed,
        grid,
        scores: scores[i]!,
        growthScores: growthScores[i]!,
        chosen,
        candidates: candidates[i]!,
        keep: keep[i]!,
        progress,
      }),
    );
    return { keep, chosen, densities: budget.byScore && readsScores ? budget.densities(scored) : null };
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
