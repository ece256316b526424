/** Trains one trial from its first step to its result, or goes on from its checkpoint. */
import { costsOf, sparsePhases } from '@espalier/block-sparse';
import {
  aFunction,
  assertArgument,
  assertOptions,
  DivergedError,
  required,
  sparsify,
  trueOrFalse,
  wholeNumber,
  type Pruner,
  type Pruning,
  type SparseExecution,
  type Target,
} from '@espalier/core';
import { repairGradients } from '@espalier/gradients';
import type { Workload, WorkloadData } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';

import {
  aBackend,
  aPath,
  aSignal,
  assertPruner,
  assertWorkload,
  aTrial,
  aTrialStore,
  aPeriod,
} from '../arguments.js';
import { UsageError } from '../errors.js';
import { isQuality, type Measure, type RunMeasure } from '../measure.js';
import { measuresOf } from '../measures-of.js';
import { allocationOf } from './allocation.js';
import { batchesOf } from './batches.js';
import { calibratedBy, calibrationOf } from './calibration.js';
import { attentionSpread, type AttentionSpread } from './search-watch.js';
import { evaluate } from './evaluate.js';
import { examine, type Looks } from './examine.js';
import { dataDigest, dataFingerprint, initFingerprint } from './fingerprint.js';
import { trialId } from './identity.js';
import { loadData } from './load.js';
import { TrainingLoop, type LoopOptions } from './loop.js';
import { modelFiles } from './model-files.js';
import { finishedRun, type FinishedRun } from './run.js';
import { finalMasks, maskRecord } from './mask-record.js';
import { inOrder } from './stream.js';
import type { MaskBits } from './masks.js';
import type { AllocationReference, SearchRecord, Trial, TrialResult } from './trial.js';

export interface TrainOptions extends LoopOptions {
  /** How many steps there are, given how many are the trial's: fewer, where it is only to be measured. */
  readonly steps?: (whole: number) => number;
  /** Is called before the first step. */
  readonly onStart?: () => void;
  readonly dataFolder: string;
  /** Peak resident memory, where the trial has a process of its own. */
  readonly peakMemoryBytes?: () => number;
  /** Whether the final model is kept in the trial's place, dense and compressed, with its masks. */
  readonly saveModels?: boolean;
}

/** What training calls. */
const CALLED = {
  onStart: aFunction('a function of nothing'),
  onProgress: aFunction('a function of the progress'),
  onNote: aFunction('a function of a line'),
  onReading: aFunction('a function of where the trial stands: { steps, totalSteps, kernels }'),
  pause: aFunction('a function that resolves when training may go on'),
  peakMemoryBytes: aFunction('a function of nothing that tells bytes'),
};

/**
 * The result is the caller's to publish; no tensor is left behind.
 *
 * @throws TypeError or RangeError for an argument or an option that is not what it is to be
 * @throws BackendError when the backend's device fails on the way
 */
export async function train(
  trial: Trial,
  workload: Workload,
  pruner: Pruner | null,
  options: TrainOptions,
): Promise<TrialResult> {
  const of = 'train()';
  assertArgument(of, 'trial', trial, aTrial);
  assertWorkload(workload, of);
  assertPruner(pruner, of);
  assertOptions(of, options, {
    backend: required(aBackend),
    store: required(aTrialStore),
    dataFolder: required(aPath),
    checkpointEveryMs: aPeriod,
    stepsBetweenReads: wholeNumber(),
    steps: aFunction('a function of how many steps the trial has: (whole) => 20'),
    signal: aSignal,
    saveModels: trueOrFalse,
    mixed: trueOrFalse,
    ...CALLED,
  });
  // A device that was lost answers no read: what waits for one would wait forever.
  return Promise.race([trainOn(trial, workload, pruner, options), options.backend.failure]);
}

async function trainOn(
  trial: Trial,
  workload: Workload,
  pruner: Pruner | null,
  options: TrainOptions,
): Promise<TrialResult> {
  const { dataFolder } = options;
  // The dense baseline trains with right gradients as well.
  repairGradients();
  const { seed, split } = trial;
  const data = await loadData(workload, trial.workload, { dataFolder, seed, ...(split && { split }) });
  try {
    return await trainWith(data, trial, workload, pruner, options);
  } finally {
    await data.close?.();
  }
}

async function trainWith(
  data: WorkloadData,
  trial: Trial,
  workload: Workload,
  pruner: Pruner | null,
  options: TrainOptions,
): Promise<TrialResult> {
  const { backend, peakMemoryBytes } = options;
  const id = trialId(trial);
  const digest = await dataDigest(data);
  assertData(trial, digest);
  // Data that is made when it is asked for is made now: the first step's time is a step's.
  await data.train.gather([0]);
  const whole = batchesOf(trial, data.train.count, workload.defaults.batchSize);
  const batches = { ...whole, totalSteps: options.steps?.(whole.totalSteps) ?? whole.totalSteps };
  const { totalSteps } = batches;

  const model = await workload.model(trial.seed, data);
  const optimizer = workload.optimizer();
  const calibration = pruner ? await calibrationOf(pruner, data, batches) : [];
  let running: Pruning | null = null;
  let loop: TrainingLoop | null = null;
  try {
    const looks = await examine(workload, data, model);
    const target = pruner && targetOf(trial, workload, pruner, { totalSteps, optimizer, calibration });
    const { pruning, init } = await putUnderPruning(model, pruner, target);
    running = pruning;
    const fingerprint = { init, data: dataFingerprint(digest, batches.order) };
    const examples = { examples: data.train, look: looks.train };
    const subject = { trialId: id, workload, ...examples, batches, model, optimizer, pruning };
    const steps = (loop = new TrainingLoop(subject, options));
    await steps.resume();

    const searched = (attention: AttentionSpread | null): SearchRecord | null => {
      const { search } = steps;
      return search && { choices: search.choices, attention };
    };
    const trained = (search: SearchRecord | null) => ({
      ...{ trial, workload, data, model, search },
      ...{ steps: steps.step, elapsedMs: steps.elapsedMs },
      choosingMs: steps.search?.choosingMs ?? null,
      peakMemoryBytes: peakMemoryBytes?.() ?? null,
      peakGpuMemoryBytes: steps.peakGpuMemoryBytes,
    });
    let final: readonly MaskBits[] | null = null;
    const trainAndMeasure = async () => {
      options.onStart?.();
      await steps.toTheEnd();
      const search = searched(pruning && (await attentionSpread(pruning.kernels)));
      const report = pruning ? await pruning.finalize() : null;
      running = null;
      final = pruning && (await finalMasks(pruning.kernels));
      const measures = await measured(finishedRun({ ...trained(search), report }), looks);
      if (options.saveModels) {
        const [files, loss] = [await modelFiles(model, report), measures['loss'] as number];
        await options.store.saveModels({ trialId: id, step: steps.step, loss, files });
      }
      return { status: 'ok' as const, report, measures, search };
    };
    const ended = await trainAndMeasure().catch(async (error: unknown) => {
      await steps.logSteps();
      if (!(error instanceof DivergedError)) throw error;
      const search = searched(null);
      const measures = await measuredDiverged(finishedRun({ ...trained(search), report: null }));
      return { status: 'diverged' as const, report: null, measures, search };
    });
    if (pruning && steps.search) {
      await options.store.saveMasks(maskRecord(pruning.kernels, steps.search, data.truth, final));
    }
    const { processors } = steps;
    return {
      ...{ id, ...ended, fingerprint, device: backend.device },
      ...(processors.length > 1 && { processors }),
    };
  } finally {
    running?.abandon();
    loop?.dispose();
    optimizer.dispose();
    model.dispose();
    tf.dispose([...calibration]);
  }
}

/** A result is of the data that the trial is named after, or there is none. */
function assertData({ data, workload }: Trial, found: string): void {
  if (data === undefined || data === found) return;
  throw new UsageError(
    `The data of ${workload.name} has changed since the comparison started: run the same command again`,
  );
}

/** Puts a new model under its strategy; `init` is the fingerprint of the weights that it computes with then. */
async function putUnderPruning(
  model: tf.LayersModel,
  pruner: Pruner | null,
  target: Target | null,
): Promise<{ pruning: Pruning | null; init: string }> {
  const weights = model.weights.map((weight) => weight.read() as tf.Variable);
  const plain = weights.map((weight) => weight.clone());
  try {
    const pruning = pruner && target && (await sparsify(model, pruner, target));
    return { pruning, init: await initFingerprint(plain, weights, pruning?.kernels ?? []) };
  } finally {
    tf.dispose(plain);
  }
}

/** What a trial's model is pruned to. */
export function targetOf(
  trial: Trial,
  workload: Workload,
  pruner: Pruner,
  training: {
    readonly totalSteps: number;
    readonly optimizer: tf.Optimizer;
    readonly calibration: readonly tf.Tensor[];
  },
) {
  const { calibration, ...rest } = training;
  const { sparsity, blockShape, overrides, allocation, seed } = trial;
  return {
    ...workload.target,
    ...{ sparsity, blockShape, seed },
    ...(overrides && { overrides }),
    allocation: allocationOf(allocation as AllocationReference, workload, pruner),
    ...rest,
    ...calibratedBy(calibration),
    sparsePhases: trial.sparsePhases ? sparsePhasesOf(trial) : null,
  };
}

/** How many times faster dense products are than those of the wasm backend: `node benchmarks/training-step.bench.mjs`. */
const NATIVE_SPEED = 2;
const THREADS_SPEED = 1.5;

/** By the costs that the trial comes with, and without any by the package's. */
function sparsePhasesOf({ accelerators, threads, productCosts }: Trial): SparseExecution {
  if (productCosts) {
    const { perKeptWeight, perStep } = productCosts;
    return sparsePhases({ costs: { perKeptWeight: () => perKeptWeight, perStep } });
  }
  if (accelerators.some(({ name }) => name === 'blas'))
    return sparsePhases({ costs: costsOf('wasm', 'blas')! });
  const native = accelerators.some(({ library }) => library !== null);
  return sparsePhases({ denseSpeed: native ? NATIVE_SPEED : threads > 1 ? THREADS_SPEED : 1 });
}

/** @throws DivergedError when the test loss is not finite */
async function measured(run: FinishedRun, looks: Looks): Promise<Record<string, number | null>> {
  const { model, workload, data } = run;
  const all = measuresOf(workload.task);
  try {
    const quality = await evaluate(
      model,
      workload.task,
      all.filter(isQuality),
      inOrder(data.test, looks.test),
    );
    const { loss } = quality;
    if (!Number.isFinite(loss)) throw new DivergedError(`The test loss is ${loss}`);
    return { ...quality, ...(await each(all.filter(isOfRun), run)) };
  } finally {
    await run.dispose();
  }
}

async function measuredDiverged(run: FinishedRun): Promise<Record<string, number | null>> {
  const all = measuresOf(run.workload.task);
  const nothing = Object.fromEntries(all.map(({ key }) => [key, null]));
  return {
    ...nothing,
    ...(await each(
      all.filter(isOfRun).filter(({ ofDiverged }) => ofDiverged),
      run,
    )),
  };
}

/** One after another, so that times are of one thing alone. */
async function each(
  measures: readonly RunMeasure[],
  run: FinishedRun,
): Promise<Record<string, number | null>> {
  const values: Record<string, number | null> = {};
  for (const measure of measures) values[measure.key] = await measure.measure(run);
  return values;
}

const isOfRun = (measure: Measure): measure is RunMeasure => !isQuality(measure);
