/** The steps of a trial, from where it stands to the last: losses logged, checkpoints taken on the way. */
import { DivergedError } from '@espalier/core';
import type { Batch, Examples } from '@espalier/datasets';
import type { TunableOptimizer, Workload } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';

import type { StartedBackend } from '../backend.js';
import { processorKind } from '../machine.js';
import type { StepMetrics, TrialStore } from '../store/store.js';
import type { Batches } from './batches.js';
import { restoreCheckpoint, saveCheckpoint, type Trained } from './checkpoint.js';
import { SearchWatch, type SearchState } from './search-watch.js';
import { outputsFor } from './evaluate.js';
import { kernelViews, type KernelView } from './kernel-views.js';
import { disposeTensors, gathered, toTensors, type BatchTensors, type Look, type Wanted } from './stream.js';
import type { TrialProgress } from './trial.js';

export interface LoopOptions {
  /** Started, and tfjs' current one. */
  readonly backend: StartedBackend;
  /** The trial's own place; it has begun. */
  readonly store: TrialStore;
  readonly checkpointEveryMs?: number;
  readonly onProgress?: (progress: TrialProgress) => void;
  /** Waited for at each reading of the losses: lets a page live while it trains. */
  readonly pause?: () => Promise<void>;
  /** Is shown, and waited for, at each reading of the losses, where the trial stands. */
  readonly onReading?: (reading: Reading) => void | Promise<void>;
  /** How often the losses are read back from the device, so that a GPU's queue is not drained at every step; every 16. */
  readonly stepsBetweenReads?: number;
  /** Is told, in a line, what of the trial's place is not believed. */
  readonly onNote?: (line: string) => void;
  /** Whether it may go on from the checkpoint of another kind of processor; not when absent. */
  readonly mixed?: boolean;
  /** Ends training at a reading of the losses, with a checkpoint and the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Where a trial stands while it trains. */
export interface Reading {
  /** Those since the reading before. */
  readonly steps: readonly StepMetrics[];
  readonly totalSteps: number;
  /** Reads its pruned kernels from the device; none of the dense baseline. To be called before `onReading` is done. */
  kernels(): Promise<KernelView[]>;
}

/** What is trained, and on what. */
export interface LoopSubject extends Omit<Trained, 'search'> {
  readonly trialId: string;
  readonly workload: Workload;
  readonly optimizer: TunableOptimizer;
  readonly examples: Examples;
  readonly batches: Batches;
  /** How each batch is looked at before it is trained on; null where all were seen. */
  readonly look?: Look | null;
}

/** Losses are read back from the device this often, so that a GPU's queue is not drained at every step. */
const STEPS_BETWEEN_READS = 16;

export class TrainingLoop {
  /** Steps done. */
  step = 0;
  /** Wall time that they took, in milliseconds. */
  elapsedMs = 0;
  peakGpuMemoryBytes: number | null = null;
  /** The kinds that steps were computed on. */
  processors: readonly string[];
  readonly #subject: LoopSubject;
  readonly #options: LoopOptions;
  readonly #variables: tf.Variable[];
  readonly #search: SearchWatch | null;
  #pending: { readonly loss: tf.Scalar; readonly metrics: Omit<StepMetrics, 'loss'> }[] = [];

  constructor(subject: LoopSubject, options: LoopOptions) {
    this.#subject = subject;
    this.#options = options;
    this.processors = [processorKind(options.backend)];
    this.#search = subject.pruning && new SearchWatch(subject.pruning.kernels);
    this.#variables = subject.model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  }

  /** What the search did so far; null of the dense baseline. */
  get search(): SearchState | null {
    return this.#search?.state() ?? null;
  }

  /** Goes on from the trial's checkpoint, where there is one. */
  async resume(): Promise<void> {
    const { backend, store, onNote, mixed } = this.#options;
    const processor = processorKind(backend);
    const { trialId, batches } = this.#subject;
    const trained = { ...this.#subject, search: this.#search };
    const { totalSteps } = batches;
    const kinds = { processor, mixed };
    const standing = await restoreCheckpoint(store, trialId, trained, totalSteps, kinds, onNote);
    this.processors = [...new Set([...(standing?.processors ?? []), processor])];
    this.step = standing?.step ?? 0;
    this.elapsedMs = standing?.elapsedMs ?? 0;
    this.peakGpuMemoryBytes = backend.gpuMemoryBytes();
  }

  /** @throws DivergedError when a loss is not finite */
  async toTheEnd(): Promise<void> {
    const { backend, store, checkpointEveryMs = 10_000, onReading, pause, signal } = this.#options;
    const { stepsBetweenReads = STEPS_BETWEEN_READS } = this.#options;
    const { pruning, batches, workload, optimizer, trialId } = this.#subject;
    const { totalSteps } = batches;
    let lastCheckpoint = performance.now();
    let started = performance.now();
    for await (const { batch, count } of this.#coming()) {
      const learningRate = workload.learningRate(this.step / totalSteps);
      optimizer.learningRate = learningRate;
      const { phase, sparsity } = pruning ?? { phase: 'dense', sparsity: 0 };
      const metrics = { step: this.step, learningRate, phase, sparsity };
      this.#pending.push({ loss: this.#optimizerStep(batch, count), metrics });
      const choosing = performance.now();
      await pruning?.step();
      this.step += 1;
      this.#search?.look(this.step, performance.now() - choosing);
      let read: readonly StepMetrics[] = [];
      const reads = this.#pending.length === stepsBetweenReads || this.step === totalSteps;
      if (reads) {
        // The clock is read when the device has done the steps, not when it was handed them.
        await backend.finished();
        this.peakGpuMemoryBytes = larger(this.peakGpuMemoryBytes, backend.gpuMemoryBytes());
        read = await this.logSteps();
        assertFinite(read);
      }
      const now = performance.now();
      // With the wait for the batch, if there was one: a trial takes that time.
      this.elapsedMs += now - started;
      started = now;
      if (!reads) continue;
      if (now - lastCheckpoint > checkpointEveryMs || (signal?.aborted && this.step < totalSteps)) {
        const { step, elapsedMs, processors } = this;
        const trained = { ...this.#subject, search: this.#search };
        await saveCheckpoint(store, trialId, { step, elapsedMs }, processors, trained);
        lastCheckpoint = performance.now();
      }
      const kernels = () => kernelViews(pruning?.kernels ?? []);
      await onReading?.({ steps: read, totalSteps, kernels });
      await pause?.();
      signal?.throwIfAborted();
      started = performance.now();
    }
  }

  /** The batches of the steps that are left. */
  #coming(): AsyncGenerator<{ batch: Batch; count: number }> {
    const { examples, batches, look = null } = this.#subject;
    return gathered(examples, wantedFrom(this.step, batches), look);
  }

  /** Logs the steps since the last time, and returns them. */
  async logSteps(): Promise<StepMetrics[]> {
    const steps = await Promise.all(
      this.#pending.map(async ({ loss, metrics }) => ({
        ...metrics,
        loss: (await loss.data())[0] as number,
      })),
    );
    this.dispose();
    await this.#options.store.metrics.append(steps);
    const last = steps.at(-1);
    const { totalSteps } = this.#subject.batches;
    if (last) {
      this.#options.onProgress?.({ step: last.step, totalSteps, loss: last.loss, phase: last.phase });
    }
    return steps;
  }

  /** Disposes the losses that were not logged. */
  dispose(): void {
    tf.dispose(this.#pending.map(({ loss }) => loss));
    this.#pending = [];
  }

  #optimizerStep(batch: Batch, count: number): tf.Scalar {
    const { optimizer, examples, workload } = this.#subject;
    const { microBatchSize = count } = workload.defaults;
    if (count > microBatchSize) return this.#accumulatedStep(batch, count, microBatchSize);
    const tensors = toTensors(examples, batch, 0, count);
    try {
      return optimizer.minimize(() => this.#loss(tensors), true, this.#variables) as tf.Scalar;
    } finally {
      disposeTensors(tensors);
    }
  }

  /** One step by the gradient of the whole batch, of which a part is on the device at a time. */
  #accumulatedStep(batch: Batch, count: number, size: number): tf.Scalar {
    const { optimizer, examples } = this.#subject;
    let loss: tf.Scalar | undefined;
    let gradients: tf.NamedTensorMap = {};
    for (let first = 0; first < count; first += size) {
      const end = Math.min(first + size, count);
      const tensors = toTensors(examples, batch, first, end);
      const share = (end - first) / count;
      const part = tf.variableGrads(() => this.#loss(tensors).mul<tf.Scalar>(share), this.#variables);
      disposeTensors(tensors);
      const [before, beforeLoss] = [gradients, loss];
      gradients = summed(before, part.grads);
      loss = beforeLoss ? beforeLoss.add<tf.Scalar>(part.value) : part.value;
      if (beforeLoss) tf.dispose([beforeLoss, part.value, before, part.grads]);
    }
    optimizer.applyGradients(gradients);
    tf.dispose(gradients);
    return loss as tf.Scalar;
  }

  #loss({ inputs, targets, weights }: BatchTensors): tf.Scalar {
    const { model, workload } = this.#subject;
    const { loss, trainingLoss = loss, weightedLoss } = workload.task;
    const outputs = outputsFor(model, inputs, { training: true });
    const ofBatch =
      weights && weightedLoss ? weightedLoss(outputs, targets, weights) : trainingLoss(outputs, targets);
    return regularized(model, ofBatch);
  }
}

function* wantedFrom(first: number, { totalSteps, at, drawOf }: Batches): Generator<Wanted> {
  for (let step = first; step < totalSteps; step++) yield { indices: at(step), draw: drawOf(step) };
}

/** The same tensors where there is nothing to add to. */
function summed(sums: tf.NamedTensorMap, more: tf.NamedTensorMap): tf.NamedTensorMap {
  const names = Object.keys(more);
  return Object.fromEntries(
    names.map((name) => [
      name,
      sums[name] ? sums[name].add(more[name] as tf.Tensor) : (more[name] as tf.Tensor),
    ]),
  );
}

/** With what the regularizers of the model's layers add, as `model.fit` adds it. */
function regularized(model: tf.LayersModel, loss: tf.Scalar): tf.Scalar {
  return model.calculateLosses().reduce((sum, penalty) => sum.add(penalty), loss);
}

/** Null where there is nothing to compare. */
function larger(before: number | null, now: number | null): number | null {
  return before === null || now === null ? now : Math.max(before, now);
}

function assertFinite(steps: readonly StepMetrics[]): void {
  const lost = steps.find(({ loss }) => !Number.isFinite(loss));
  if (lost) throw new DivergedError(`The loss of step ${lost.step} is ${lost.loss}`);
}
