/** Trains one trial from its first step to its result, or goes on from its checkpoint. */
import { startBackend, type StartedBackend } from '@espalier/backend';
import { sparsePhases } from '@espalier/block-sparse';
import { DivergedError, sparsify, type Pruner, type SparseExecution } from '@espalier/core';
import { useAccelerators } from '@espalier/wasm-training/accelerators';
import * as tf from '@tensorflow/tfjs';

import type { Workload } from '../workload.js';
import { batchesOf } from './batches.js';
import { removeCheckpoint, restoreCheckpoint, saveCheckpoint } from './checkpoint.js';
import { evaluate, gatherTensors, lossOf } from './evaluate.js';
import { dataFingerprint, initFingerprint } from './fingerprint.js';
import { blockSparseMeasures, predictMs, savedSize, supportRecovery } from './measures.js';
import { appendMetrics, rewindMetrics, startMetrics, type StepMetrics } from './metrics-log.js';
import { trialId, type Trial, type TrialResult } from './trial.js';

export interface TrainOptions {
  readonly dataFolder: string;
  /** The trial's own folder; it exists. */
  readonly folder: string;
  readonly checkpointEveryMs?: number;
  readonly onProgress?: (progress: { step: number; totalSteps: number; loss: number; phase: string }) => void;
}

/** Products by BLAS against those of the wasm backend: `node benchmarks/training-step.bench.mjs`. */
const BLAS_SPEED = 2;

/** Losses are read back from the device this often, so that a GPU's queue is not drained at every step. */
const STEPS_BETWEEN_READS = 16;

/**
 * For a process of its own, with which goes what a run that failed leaves behind.
 *
 * @throws BackendError when the backend is not present, or its device fails on the way
 */
export async function train(
  trial: Trial,
  workload: Workload,
  pruner: Pruner | null,
  options: TrainOptions,
): Promise<TrialResult> {
  const backend = await startBackend(trial.backend);
  if (trial.blas) await useAccelerators([`blas:${trial.blas.path}`]);
  // A device that was lost answers no read: what waits for one would wait forever.
  return Promise.race([trainOn(backend, trial, workload, pruner, options), backend.failure]);
}

async function trainOn(
  backend: StartedBackend,
  trial: Trial,
  workload: Workload,
  pruner: Pruner | null,
  { dataFolder, folder, checkpointEveryMs = 10_000, onProgress }: TrainOptions,
): Promise<TrialResult> {
  const id = trialId(trial);
  const data = await workload.load({ dataFolder, seed: trial.seed });
  const { batchSize } = workload.defaults;
  const batches = batchesOf(trial, data.train.count, batchSize);
  const { totalSteps } = batches;

  const model = workload.model(trial.seed);
  const optimizer = workload.optimizer();
  const { sparsity, blockShape } = trial;
  const weights = model.weights.map((weight) => weight.read() as tf.Variable);
  const plain = weights.map((weight) => weight.clone());
  const pruning =
    pruner &&
    (await sparsify(model, pruner, {
      ...workload.target,
      sparsity,
      blockShape,
      totalSteps,
      optimizer,
      sparsePhases: trial.sparsePhases ? sparsePhasesOf(trial) : null,
    }));
  const fingerprint = {
    init: await initFingerprint(plain, weights, pruning?.kernels ?? []),
    data: dataFingerprint(data.train, data.test, batches.orders()),
  };
  tf.dispose(plain);

  const trained = { model, optimizer, pruning };
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const resumed = await restoreCheckpoint(folder, id, trained);
  if (resumed) await rewindMetrics(folder, resumed.metricsBytes);
  else await startMetrics(folder);

  let step = resumed?.step ?? 0;
  let elapsedMs = resumed?.elapsedMs ?? 0;
  let lastCheckpoint = performance.now();
  let peakGpuMemoryBytes = backend.gpuMemoryBytes();
  let pending: { loss: tf.Scalar; metrics: Omit<StepMetrics, 'loss'> }[] = [];

  const optimizerStep = () => {
    const { inputs, targets } = gatherTensors(data.train, batches.at(step));
    const loss = optimizer.minimize(
      () => lossOf(workload.task, model.apply(inputs, { training: true }) as tf.Tensor, targets),
      true,
      variables,
    ) as tf.Scalar;
    tf.dispose([inputs, targets]);
    return loss;
  };

  /** Logs the steps since the last time, and returns them. */
  const logSteps = async (): Promise<StepMetrics[]> => {
    const steps = await Promise.all(
      pending.map(async ({ loss, metrics }) => ({ ...metrics, loss: (await loss.data())[0] as number })),
    );
    tf.dispose(pending.map(({ loss }) => loss));
    pending = [];
    await appendMetrics(folder, steps);
    const last = steps.at(-1);
    if (last) onProgress?.({ step: last.step, totalSteps, loss: last.loss, phase: last.phase });
    return steps;
  };

  const trainToTheEnd = async (): Promise<void> => {
    while (step < totalSteps) {
      const started = performance.now();
      const learningRate = workload.learningRate(step / totalSteps);
      optimizer.learningRate = learningRate;
      const { phase, sparsity } = pruning ?? { phase: 'dense', sparsity: 0 };
      pending.push({ loss: optimizerStep(), metrics: { step, learningRate, phase, sparsity } });
      await pruning?.step();
      step += 1;
      const logs = pending.length === STEPS_BETWEEN_READS || step === totalSteps;
      if (logs) {
        // The clock is read when the device has done the steps, not when it was handed them.
        await backend.finished();
        peakGpuMemoryBytes = larger(peakGpuMemoryBytes, backend.gpuMemoryBytes());
        assertFinite(await logSteps());
      }
      const now = performance.now();
      elapsedMs += now - started;
      if (!logs || now - lastCheckpoint <= checkpointEveryMs) continue;
      await saveCheckpoint(folder, id, { step, elapsedMs }, trained);
      lastCheckpoint = performance.now();
    }
  };

  const trainAndMeasure = async () => {
    await trainToTheEnd();
    const report = pruning ? await pruning.finalize() : null;
    const quality = await evaluate(model, workload.task, data.test);
    if (!Number.isFinite(quality.loss)) throw new DivergedError(`The test loss is ${quality.loss}`);
    const recovery = pruning ? await supportRecovery(model, data) : null;
    return {
      status: 'ok' as const,
      metrics: recovery === null ? quality : { ...quality, supportRecovery: recovery },
      achieved: report?.achieved ?? { prunedLayers: 0, model: 0 },
      report,
      size: await savedSize(model),
      predictMs: await predictMs(model, data, batchSize),
      // Of training: what follows it has a second model.
      peakMemoryBytes: peakMemoryBytes(),
      blockSparse: report && (await blockSparseMeasures(model, report, data, batchSize)),
    };
  };

  const measured = await trainAndMeasure().catch(async (error: unknown) => {
    await logSteps();
    if (error instanceof DivergedError) return { ...diverged, peakMemoryBytes: peakMemoryBytes() };
    throw error;
  });
  const { predictMs: ofPrediction, ...ended } = measured;
  const result: TrialResult = {
    id,
    ...ended,
    timing: { stepMs: elapsedMs / Math.max(1, step), totalMs: elapsedMs, predictMs: ofPrediction },
    peakGpuMemoryBytes,
    fingerprint,
    device: backend.device,
  };
  await removeCheckpoint(folder);
  return result;
}

/** By the costs that the trial comes with, and without any by the package's. */
function sparsePhasesOf({ blas, productCosts }: Trial): SparseExecution {
  if (!productCosts) return sparsePhases({ denseSpeed: blas ? BLAS_SPEED : 1 });
  const { perKeptWeight, perStep } = productCosts;
  return sparsePhases({ costs: { perKeptWeight: () => perKeptWeight, perStep } });
}

const diverged = {
  status: 'diverged' as const,
  metrics: null,
  achieved: null,
  report: null,
  size: { savedBytes: null, weightBytes: null, gzipBytes: null },
  predictMs: null,
  blockSparse: null,
};

function peakMemoryBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/** Null where there is nothing to compare. */
function larger(before: number | null, now: number | null): number | null {
  return before === null || now === null ? now : Math.max(before, now);
}

function assertFinite(steps: readonly StepMetrics[]): void {
  const lost = steps.find(({ loss }) => !Number.isFinite(loss));
  if (lost) throw new DivergedError(`The loss of step ${lost.step} is ${lost.loss}`);
}
