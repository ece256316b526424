/** The model of a trial that has not ended, made of its checkpoint. */
import { sparsify, type Pruner, type Pruning } from '@espalier/core';
import { repairGradients } from '@espalier/gradients';
import type { Workload } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';

import { UsageError } from '../errors.js';
import type { Checkpoint } from '../store/store.js';
import { batchesOf } from './batches.js';
import { calibrationOf } from './calibration.js';
import { applyCheckpoint } from './checkpoint.js';
import { trialId } from './identity.js';
import { loadData } from './load.js';
import { modelFiles, type Files } from './model-files.js';
import { targetOf } from './train.js';
import { trialLabel, type Trial } from './trial.js';

export interface Rebuilt {
  readonly files: Files;
  /** Steps done, of so many. */
  readonly step: number;
  readonly totalSteps: number;
  /** Blocks that were cut here, after which nothing was trained. */
  readonly cutAtEnd: number;
}

/**
 * The model as it would be finalised now: pruned to the target where the search has not come to it. On tfjs' current
 * backend; no tensor is left behind.
 *
 * @throws UsageError where the checkpoint is not of this trial as it is made now, or cannot be finalised where it stands
 */
export async function rebuild(
  trial: Trial,
  workload: Workload,
  pruner: Pruner | null,
  { checkpoint, dataFolder }: { readonly checkpoint: Checkpoint; readonly dataFolder: string },
): Promise<Rebuilt> {
  repairGradients();
  const { seed, split } = trial;
  const data = await loadData(workload, trial.workload, { dataFolder, seed, ...(split && { split }) });
  try {
    const batches = batchesOf(trial, data.train.count, workload.defaults.batchSize);
    const { totalSteps } = batches;
    const model = await workload.model(seed, data);
    const calibration = pruner ? await calibrationOf(pruner, data, batches) : [];
    const optimizer = workload.optimizer();
    let running: Pruning | null = null;
    const finalised = async () => {
      const target = pruner && targetOf(trial, workload, pruner, { totalSteps, optimizer, calibration });
      running = pruner && target && (await sparsify(model, pruner, target));
      const trained = { model, optimizer, pruning: running, search: null };
      const why = await applyCheckpoint(checkpoint, trialId(trial), trained, totalSteps);
      if (why !== null) throw new UsageError(`the checkpoint ${why}`);
      const report = running && (await running.finalize());
      running = null;
      return report;
    };
    try {
      const report = await finalised().catch((error: Error) => {
        const at = `step ${checkpoint.step} of ${totalSteps}`;
        throw new UsageError(`${trialLabel(trial)} gives no model at ${at}: ${error.message.split('\n')[0]}`);
      });
      const files = await modelFiles(model, report);
      return { files, step: checkpoint.step, totalSteps, cutAtEnd: report?.cutAtEnd ?? 0 };
    } finally {
      (running as Pruning | null)?.abandon();
      optimizer.dispose();
      model.dispose();
      tf.dispose([...calibration]);
    }
  } finally {
    await data.close?.();
  }
}
