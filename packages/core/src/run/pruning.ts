/**
 * The state machine: drives the masks of all kernels through the phases of a search, step by step.
 */
import { anObject, assertArgument, assertOptions, trueOrFalse } from '@espalier/blocks';
import type * as tf from '@tensorflow/tfjs';

import type { Allocation } from '../allocation.js';
import type { Pruner } from '../pruner.js';
import { overridesOf } from '../overrides.js';
import { reportKernel, summarize, type DenseKernelReport, type PruningReport } from '../report.js';
import { sparsePhase, type Phase } from '../search/phases.js';
import { packCheckpoint, restoreCheckpoint, type CheckpointedRun } from './checkpoint.js';
import { assertFinite } from './finite.js';
import type { PruningHost, PruningSettings } from './host.js';
import type { KernelState } from './kernel-state.js';
import { LeftOutStep } from './left-out-step.js';
import { resetOptimizerState } from './optimizer-state.js';
import { OwnRates } from './own-rates.js';
import { Schedule } from './schedule.js';
import { selectBlocks, type Selection } from './selection.js';
import { assertState, standingOf, stateOf, type PruningState } from './state.js';
import { leftOutFault, NOT_CALLED, ownRatesFault, UNTOLD } from './step-faults.js';
import { stepSize } from './step-size.js';
import { TrainingWatch } from './training-watch.js';
import { Turns } from './turns.js';

/** How `finalize` leaves the model. */
export interface FinalizeOptions {
  /**
   * Whether the pruned blocks stay zero whatever trains the model from then on, until `release()`. Else, as when absent,
   * it is a plain model, and more training makes them grow back. The masks, and the memory that they keep of an
   * effective weight and a gradient on wasm, stay as long.
   */
  readonly keepZeros?: boolean;
}

const gradientsByName = anObject("gradients by their variables' names");

/** How a run ends: with the best of what is chosen already, at the target. */
const FINAL = sparsePhase(1);

export class Pruning {
  readonly pruner: Pruner;
  /** The kernels that are pruned. */
  readonly kernels: readonly KernelState[];
  /** The kernels, and other weights of two axes or more, that stay dense, and why. */
  readonly leftDense: readonly DenseKernelReport[];
  readonly #settings: PruningSettings;
  readonly #host: PruningHost;
  readonly #schedule: Schedule;
  readonly #watch: TrainingWatch;
  /** Steps told, those past the end of the schedule among them. */
  #step = 0;
  #status: 'running' | 'keeps zeros' | 'ended' = 'running';
  readonly #turns = new Turns();
  readonly #ownRates: OwnRates;
  /** The step to come, where the optimiser is known and leaves it out. */
  #leftOut: LeftOutStep | null = null;

  /** @internal `sparsify` makes it. */
  constructor(
    settings: PruningSettings,
    kernels: readonly KernelState[],
    leftDense: readonly DenseKernelReport[],
    host: PruningHost,
  ) {
    this.pruner = settings.pruner;
    this.kernels = kernels;
    this.leftDense = leftDense;
    this.#settings = settings;
    this.#host = host;
    this.#schedule = new Schedule(settings.pruner.search.phases, settings.totalSteps);
    this.#watch = new TrainingWatch(kernels, () => host.optimizer());
    this.#ownRates = new OwnRates(kernels, () => {
      const { stepsDone: step } = this;
      return {
        step,
        totalSteps: settings.totalSteps,
        sinceReset: this.#step - this.#schedule.lastReset(step),
      };
    });
  }

  /** Optimiser steps done, 0 to `totalSteps`. */
  get stepsDone(): number {
    return Math.min(this.#step, this.#settings.totalSteps);
  }

  /** The phase of the step to come: `dense`, `sparsification`, `sparse`. */
  get phase(): string {
    return this.#schedule.phaseOf(this.stepsDone).name;
  }

  /** Share of blocks that the masks prune now, over the pruned layers. */
  get sparsity(): number {
    const blocks = this.kernels.reduce((sum, { grid }) => sum + grid.blocks, 0);
    return 1 - this.#kept() / blocks;
  }

  /**
   * Whether the masks have the target's sparsity now: `finalize` would cut no more. Of moments where they do not, none is
   * the best of a run, whatever its loss. Never, where the sparsity is learned.
   */
  get atTarget(): boolean {
    if (this.pruner.search.final === 'learned') return false;
    const target = this.#settings.budget.counts(1).reduce((sum, count) => sum + count, 0);
    return this.#kept() <= target;
  }

  /** The allocation in force: the target's, the strategy's own, or `uniform`. */
  get allocation(): Allocation {
    return this.#settings.budget.allocation;
  }

  /**
   * Whether a choice takes the place of the optimiser step to come, as in RigL: its gradients are recorded, and nothing
   * is to move. The optimiser that the run knows leaves the step out by itself; under `optimizer: null` that is the
   * caller's to do.
   */
  get leavesOutStep(): boolean {
    return this.#schedule.leavesOutBefore(this.stepsDone + 1);
  }

  /** The trainables that the parameterisation added, for the list of variables to optimise. */
  get addedVariables(): tf.Variable[] {
    return this.kernels.flatMap(({ trainables }) => Object.values(trainables));
  }

  /** Whether the model was trained since the last step that this run was told of. */
  get isBehind(): boolean {
    return this.#status === 'running' && this.#turns.isFree && !this.leavesOutStep && this.#watch.trained;
  }

  /**
   * For a loop of one's own that has no optimiser to give to `sparsify` (`optimizer: null`): trains what the strategy has
   * a learning rate of its own for, and gives back the gradients of the rest, which are the loop's to train by. To be
   * called once a step; the tensors stay the caller's.
   *
   * @param gradients of the loss, by the variables' names, as `tf.variableGrads` gives them
   * @throws TypeError for what are no gradients
   */
  trainAdded(gradients: tf.NamedTensorMap): tf.NamedTensorMap {
    this.#assertRunning();
    assertArgument('trainAdded()', 'gradients', gradients, gradientsByName);
    const [own, others] = [true, false].map((is) =>
      Object.entries(gradients).filter(([name]) => this.#ownRates.trains(name) === is),
    ) as [[string, tf.Tensor][], [string, tf.Tensor][]];
    if (!this.leavesOutStep) this.#ownRates.train(own.map(([name, tensor]) => ({ name, tensor })));
    return Object.fromEntries(others);
  }

  /**
   * Takes what has a learning rate of its own out of the hands of the optimiser that the network has now. Called when it
   * is about to compute, as a model may be compiled, or compiled anew, at any time.
   */
  followOptimizer(): void {
    if (this.#status === 'running') this.#ownRates.attach(this.#host.optimizer() ?? null);
  }

  /** Takes what the kernels hold now for no training: the model's weights were set. */
  weightsWereSet(): void {
    this.#watch.look();
  }

  /** Chooses the masks of the first phase. `sparsify` calls it. */
  async start(): Promise<void> {
    this.#resetOptimizer();
    await this.#enter(0);
    this.#watch.look();
  }

  /**
   * To be called, and waited for, after each optimiser step: moves on to the next step's phase and mask, and resets the
   * optimiser at a phase switch.
   *
   * @throws DivergedError when a score is not finite; `abandon` takes the hooks out then.
   * @throws Error when it was called before the step before had ended, or the model was trained meanwhile; when what the
   *   strategy added is not trained with the kernels; where the optimiser is not known; or where a choice takes the place
   *   of the step, and the optimiser was not asked for it or something else took it
   */
  async step(): Promise<void> {
    this.#assertRunning();
    await this.#turns.take('step()', async () => {
      this.#knownOptimizer();
      if (this.leavesOutStep) {
        this.#assertLeftOut();
      } else {
        throwFault(ownRatesFault(this.pruner.name, this.#ownRates, this.#watch));
        this.#watch.step();
        this.#proximalStep();
      }
      this.#ownRates.closeStep();
      for (const kernel of this.kernels) kernel.recorded.closeStep();
      this.#step += 1;
      if (this.#step < this.#settings.totalSteps) {
        const resets = this.#schedule.phaseOf(this.#step).resetsOptimizer !== false;
        if (resets && this.#schedule.begins(this.#step)) this.#resetOptimizer();
        await this.#enter(this.#step);
        this.#beginToGather();
      }
      this.#watch.look();
    });
  }

  /**
   * Ends the run: prunes to the target if the search has not come to it yet, writes the effective weights
   * into the model and takes every hook out of it.
   *
   * @returns what was reached, measured on the weights, and how the run went
   * @throws TypeError for an option that there is not, or is not what it is to be
   * @throws DivergedError when a weight, or what a strategy added, is not finite
   * @throws Error when the model was trained and the run not told of a single step
   */
  async finalize(options: FinalizeOptions = {}): Promise<PruningReport> {
    this.#assertRunning();
    assertOptions('finalize()', options, { keepZeros: trueOrFalse });
    const { keepZeros = false } = options;
    return this.#turns.take('finalize()', async () => {
      this.#assertTold();
      this.#assertNoneForgotten();
      await assertFinite(this.#host.variables(), this.kernels);
      const { phase } = this;
      const keptBefore = this.#kept();
      const targets = await this.#cutToTarget();
      const cutAtEnd = keptBefore - this.#kept();
      this.#letGo(keepZeros);
      const { overrides } = this.#settings;
      const reports = await Promise.all(
        this.kernels.map(async ({ name, grid, variable }, i) =>
          reportKernel(name, grid, targets[i]!, await variable.data(), overridesOf(overrides, name)),
        ),
      );
      return summarize(reports, this.leftDense, this.#host.weights(), {
        stepsDone: this.#step,
        stepsPlanned: this.#settings.totalSteps,
        phase,
        cutAtEnd,
        idleSteps: this.#watch.idleSteps,
        untrained: this.#watch.untrained,
      });
    });
  }

  /**
   * Ends a run that came to nothing, as by a `DivergedError`, without choosing another mask: the model is a plain
   * one again, with the effective weights of the moment.
   */
  abandon(): void {
    this.#assertRunning();
    this.#letGo(false);
  }

  /** Lets go of the zeros that `finalize({ keepZeros: true })` kept: from then on it is a plain model. */
  release(): void {
    if (this.#status === 'running') {
      throw new Error('This pruning run goes on still: finalize() ends it, or abandon()');
    }
    if (this.#status === 'ended') return;
    this.#status = 'ended';
    for (const kernel of this.kernels) kernel.release();
    this.#host.release();
  }

  /**
   * Everything of the run that another process needs to go on: the weights of the model, or the variables, that were given
   * to `sparsify`, what the strategy added, the optimiser's state and where the run stands, as the bytes of one file, with
   * a checksum. What is trained beside them, as the model around an inner one, is the caller's to store. Waits for a call
   * that is not over.
   *
   * @throws Error between an optimiser step and the `step()` that belongs to it
   */
  async checkpoint(): Promise<Uint8Array> {
    this.#assertRunning();
    return this.#turns.afterwards('checkpoint()', async () => {
      this.#assertRunning();
      if (!this.leavesOutStep && this.#watch.trained) {
        throw new Error(
          'The model was trained, and the run not told yet: take the checkpoint after step(), in `fit` after ' +
            'pruning.callback()',
        );
      }
      return packCheckpoint(this.#checkpointed(), this.state(), this.#watch.seen());
    });
  }

  /**
   * Goes on from a `checkpoint()`, of this run or, in another process, of one over a model built by the same code, under
   * the same strategy and target, with the same kind of optimiser: to the bit, given the same batches.
   *
   * @throws RangeError when it is damaged, or of another run; nothing was changed then
   */
  async resume(checkpoint: Uint8Array): Promise<void> {
    this.#assertRunning();
    await this.#turns.afterwards('resume()', async () => {
      this.#assertRunning();
      this.#knownOptimizer();
      const assertState = (state: PruningState) => void this.#standing(state);
      const { state, seen, gradients } = await restoreCheckpoint(
        checkpoint,
        this.#checkpointed(),
        assertState,
      );
      this.restore(state);
      this.#watch.restore(seen);
      this.kernels.forEach((kernel, i) => kernel.recorded.restore(gradients[i] ?? null));
      this.#turns.mend();
    });
  }

  /** Where the run stands, beside its variables; see `restore`. `checkpoint` has it all in one. */
  state(): PruningState {
    return stateOf(this.stepsDone, this.kernels, this.#settings.budget.byScore);
  }

  /**
   * Goes on from a stored state. The variables (the model's weights, `addedVariables`, the kernels' `buffers`, the
   * optimiser's slots) are the caller's to restore.
   *
   * @throws RangeError when the state is of other kernels, of a longer run or under another kind of allocation.
   */
  restore(state: PruningState): void {
    this.#assertRunning();
    const { masks, densities } = this.#standing(state);
    const { others } = this.#schedule.phaseOf(state.step);
    this.kernels.forEach((kernel, i) => {
      kernel.restoreChoice(masks[i]!, others);
      if (densities) kernel.density = densities[i]!;
    });
    this.#step = state.step;
    this.#prepareStep();
    this.#watch.look();
  }

  /** What a checkpoint is of: it goes on in a run of which all this is the same. */
  #checkpointed(): CheckpointedRun {
    const { budget, totalSteps } = this.#settings;
    const identity = {
      strategy: this.pruner.name,
      settings: this.pruner.settings,
      totalSteps,
      allocation: budget.allocation.name,
      blocks: budget.counts(1),
      kernels: this.kernels.map(({ grid, seed }) => ({
        matrixShape: grid.matrixShape,
        blockShape: grid.blockShape,
        seed,
      })),
    };
    return {
      identity,
      kernels: this.kernels,
      variables: this.#host.variables(),
      trained: this.#host.trained?.() ?? null,
      optimizer: this.#host.optimizer() ?? null,
    };
  }

  #standing(state: PruningState) {
    const { totalSteps, budget } = this.#settings;
    assertState(state, totalSteps);
    const mayBeEmpty = this.#schedule.phaseOf(state.step).others === 'active';
    return standingOf(state, this.kernels, { byScore: budget.byScore, mayBeEmpty });
  }

  /** The proximal step that follows the optimiser's, where the parameterisation has one. */
  #proximalStep(): void {
    const share = this.#schedule.phaseOf(this.stepsDone).curve(this.#schedule.progressAt(this.stepsDone));
    const sizeOf = (variable: tf.Variable) => {
      if (this.#ownRates.trains(variable.name)) return this.#ownRates.stepSize(variable);
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
    if (this.#schedule.choosesBefore(step)) {
      const phase = this.#schedule.phaseOf(step);
      if (step > 0) this.#assertNoneForgotten();
      this.#watch.look();
      const { chosen, densities } = await this.#select(phase, this.#schedule.progressAt(step));
      if (this.#status !== 'running') return;
      if (this.#watch.trained) {
        throw this.#turns.break(
          'The model was trained while pruning.step() was choosing its blocks: wait for it, `await pruning.step()`, ' +
            'before the next optimiser step. resume() an earlier checkpoint, or abandon() this run',
        );
      }
      this.kernels.forEach((kernel, i) => {
        if (densities) kernel.density = densities[i]!;
        this.#leftOut?.forgetJoining(kernel, chosen[i]!);
        kernel.choose(chosen[i]!, phase.others);
      });
    }
    this.#prepareStep();
  }

  /** Has what is pruned, and has a gradient, gather anew, where the choice to come is to go by the steps from here on. */
  #beginToGather(): void {
    if (this.pruner.search.gradient !== 'all') return;
    if (!this.#schedule.gathersFrom(this.#step)) return;
    for (const kernel of this.kernels) kernel.erase();
  }

  /** Makes the step to come record gradients, or be left out, where it is to. */
  #prepareStep(): void {
    this.followOptimizer();
    this.#recordGradients();
    this.#leftOut?.end();
    const optimizer = this.leavesOutStep ? this.#knownOptimizer() : null;
    this.#leftOut = optimizer && new LeftOutStep(optimizer);
  }

  /** @throws Error where a step was taken that a choice takes the place of, or its gradients were not asked for */
  #assertLeftOut(): void {
    const leftOut = this.#leftOut;
    if (leftOut) {
      if (leftOut.hasCome) return;
      // The optimiser may be another one now: the step can be taken once more, and is left out by that.
      this.#prepareStep();
      throw new Error(NOT_CALLED);
    }
    throwFault(leftOutFault(this.pruner.name, this.kernels, this.#watch));
  }

  /**
   * Records gradients in the step before a choice that scores by them. `finalize` may be one, at any time, while the masks
   * are not at the target.
   */
  #recordGradients(): void {
    const { importance, growth, search } = this.pruner;
    if (!importance.usesGradient && !growth?.usesGradient) return;
    const chooses = this.#schedule.choosesBefore(this.stepsDone + 1);
    const mayCut = importance.usesGradient === true && search.final !== 'learned' && !this.atTarget;
    for (const kernel of this.kernels) kernel.recorded.record(chooses || mayCut);
  }

  /**
   * Prunes to the target, if the search is to come to it. What is left keeps the weights that the network computed
   * with: no variable is touched, nor what the attention is clipped to.
   *
   * @returns how many blocks the target allows each kernel
   */
  async #cutToTarget(): Promise<readonly number[]> {
    const { budget } = this.#settings;
    if (this.pruner.search.final !== 'learned') {
      const { keep, chosen } = await this.#select(FINAL, 1);
      this.kernels.forEach((kernel, i) => kernel.restoreChoice(chosen[i]!));
      return keep;
    }
    return budget.byScore ? (await this.#select({ ...FINAL, candidates: 'all' }, 1)).keep : budget.counts(1);
  }

  #select(phase: Phase, progress: number): Promise<Selection> {
    const { inputNorms } = this.#host;
    return selectBlocks(this.kernels, this.#settings.budget, this.pruner, phase, progress, inputNorms);
  }

  #kept(): number {
    return this.kernels.reduce((sum, { kept }) => sum + kept, 0);
  }

  #assertTold(): void {
    if (this.#step === 0 && this.#watch.trained) throw new Error(UNTOLD);
  }

  #assertNoneForgotten(): void {
    throwFault(this.#watch.forgotten());
  }

  #letGo(keepZeros: boolean): void {
    this.#status = keepZeros ? 'keeps zeros' : 'ended';
    this.#leftOut?.end();
    this.#ownRates.end();
    for (const kernel of this.kernels) kernel.finalize(keepZeros);
    this.#host.settle();
    if (!keepZeros) this.#host.release();
    this.#resetOptimizer();
  }

  /**
   * Makes the optimiser forget. Also at the start and the end of a run: tfjs keeps slots by a variable's place
   * among those that train, and there the added ones come and go.
   */
  #resetOptimizer(): void {
    const optimizer = this.#host.optimizer();
    if (optimizer) resetOptimizerState(optimizer);
    if (this.#status === 'running') this.#ownRates.reset();
  }

  /** @throws Error where it is not known yet */
  #knownOptimizer(): tf.Optimizer | null {
    const optimizer = this.#host.optimizer();
    if (optimizer !== undefined) return optimizer;
    throw new Error(
      'The model is not compiled, so that the optimiser to reset at phase switches is not known: ' +
        'compile it, or pass `optimizer` to sparsify() (null for one without a state)',
    );
  }

  #assertRunning(): void {
    if (this.#status !== 'running') {
      throw new Error('This pruning run has ended: start another with sparsify()');
    }
  }
}

function throwFault(fault: string | null): void {
  if (fault !== null) throw new Error(fault);
}
