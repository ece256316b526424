/**
 * Puts throw-away models under every strategy and every target, so that what cannot be run is refused before anything
 * is written. What else goes wrong in a strategy is left to its trials, which fail alone.
 */
import {
  assertTarget,
  layerKernels,
  placePhases,
  sparsify,
  uniform,
  type Pruner,
  type Pruning,
  type Search,
  type Target,
} from '@espalier/core';
import type { PreparationProgress } from '@espalier/datasets';
import { stepsPerEpoch, type Workload, type WorkloadData } from '@espalier/workloads';
import * as tf from '@tensorflow/tfjs';
import { closest } from 'fastest-levenshtein';

import { UsageError } from '../errors.js';
import { isAllocationName } from './allocation.js';
import { calibratedBy, calibrationOf } from './calibration.js';
import { examine } from './examine.js';
import { loadData } from './load.js';
import type { Reference, TrialTarget } from './trial.js';

export interface Rehearsal {
  readonly workload: Workload;
  /** Where it comes from. */
  readonly reference: Pick<Reference, 'module'>;
  readonly pruners: readonly Pruner[];
  readonly targets: readonly TrialTarget[];
  readonly seed: number;
  readonly epochs: number;
  readonly dataFolder: string;
  /** By which examples trials are judged; the test split when absent. */
  readonly split?: 'validation';
  /** Is told how far data is that has to be prepared first. */
  readonly onPreparation?: (progress: PreparationProgress) => void;
}

/**
 * A backend is tfjs' current one.
 *
 * @throws UsageError for what cannot be run
 */
export async function rehearse(rehearsal: Rehearsal): Promise<void> {
  const { workload, seed, dataFolder, split } = rehearsal;
  assertAllocation(workload);
  const { onPreparation } = rehearsal;
  const data = await loadData(workload, rehearsal.reference, {
    ...{ dataFolder, seed },
    ...(split && { split }),
    ...(onPreparation && { onProgress: onPreparation }),
  });
  try {
    await rehearseAll(rehearsal, data);
  } finally {
    await data.close?.();
  }
}

async function rehearseAll(
  { workload, pruners, targets, seed, epochs }: Rehearsal,
  data: WorkloadData,
): Promise<void> {
  await rehearseTask(workload, data, seed);
  const { train } = data;
  const totalSteps = epochs * stepsPerEpoch(train.count, workload.defaults.batchSize);
  for (const { name, search } of pruners) assertPhasesFit(name, search, epochs, totalSteps);
  const combinations = pruners.flatMap((pruner, i) =>
    (i === 0 ? targets : targets.slice(0, 1)).map((target) => ({ pruner, target })),
  );
  for (const { pruner, target } of combinations)
    await rehearseOne({ workload, data, seed, totalSteps }, pruner, target);
}

async function rehearseTask(workload: Workload, data: WorkloadData, seed: number): Promise<void> {
  const model = await modelOf(workload, seed, data);
  try {
    await examine(workload, data, model);
  } finally {
    model.dispose();
  }
}

async function modelOf(workload: Workload, seed: number, data: WorkloadData): Promise<tf.LayersModel> {
  try {
    return await workload.model(seed, data);
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(`The workload '${workload.name}' cannot make its model: ${message.split('\n')[0]}`);
  }
}

interface Stage {
  readonly workload: Workload;
  readonly data: WorkloadData;
  readonly seed: number;
  readonly totalSteps: number;
}

async function rehearseOne(
  { workload, data, seed, totalSteps }: Stage,
  pruner: Pruner,
  target: TrialTarget,
): Promise<void> {
  const model = await workload.model(seed, data);
  let pruning: Pruning | null = null;
  // One example tells whether the model takes such inputs. Only a strategy that prunes at step 0 comes to choose by them here.
  const calibration = await calibrationOf(pruner, data, { at: () => Int32Array.of(0), totalSteps: 1 });
  try {
    assertKernels(
      target,
      layerKernels(model).map(({ name }) => name),
    );
    const base = { ...workload.target, allocation: uniform, ...target, totalSteps, optimizer: null, seed };
    const whole = { ...base, ...calibratedBy(calibration) };
    assertWhole(pruner, whole);
    pruning = await sparsify(model, pruner, whole).catch((error: unknown) => {
      if (error instanceof RangeError) throw new UsageError(`${pruner.name}: ${error.message}`);
      return null;
    });
  } finally {
    pruning?.abandon();
    model.dispose();
    tf.dispose(calibration);
  }
}

/** What the target lacks is not the strategy's fault. */
function assertWhole(pruner: Pruner, target: Target): void {
  try {
    assertTarget(target);
  } catch (error) {
    throw new UsageError(`${pruner.name}: ${(error as Error).message}`);
  }
}

function assertPhasesFit(name: string, { phases }: Search, epochs: number, totalSteps: number): void {
  try {
    placePhases(phases, totalSteps);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${name}: ${error.message} (--epochs ${epochs} is ${totalSteps} steps)`);
  }
}

function assertAllocation({ name, target }: Workload): void {
  const { allocation } = target ?? {};
  if (typeof allocation !== 'string' || isAllocationName(allocation)) return;
  throw new UsageError(
    `The workload '${name}' asks for the allocation '${String(allocation)}', which there is not`,
  );
}

function assertKernels({ overrides = {} }: TrialTarget, kernels: readonly string[]): void {
  const unknown = Object.keys(overrides).find((name) => !kernels.includes(name));
  if (unknown === undefined) return;
  throw new UsageError(
    `The model has no kernel '${unknown}' to override: did you mean '${closest(unknown, [...kernels])}'? ` +
      `It has ${kernels.join(', ')}`,
  );
}
