/** What runs trials: in processes of their own, in place, and wherever else. */
import type { Pruner } from '@espalier/core';
import type { Workload } from '@espalier/workloads';

import type { BackendDescription } from '../backend.js';
import type { TrialCosts } from '../measure-steps.js';
import type { LeaseKey, Store } from '../store/store.js';
import type {
  Code,
  ProductCosts,
  Trial,
  TrialOutcome,
  TrialProgress,
  UsedAccelerator,
} from '../trial/trial.js';

export interface Executor {
  /** What trials compute on. */
  readonly backend: BackendDescription;
  readonly accelerators: readonly UsedAccelerator[];
  /** In each trial. */
  readonly threads: number;
  /** What trains and measures, by its contents; absent where that is not known. */
  readonly code?: Code | null;
  /** How many trials run side by side, at most. */
  readonly jobs: number;
  /** Makes a backend tfjs' current one here, in this thread: what a rehearsal computes on. */
  startHere(): Promise<void>;
  /** Times products on the backend that trials compute on, for blocks of each shape. */
  measureCosts(blockShapes: readonly (readonly [number, number])[]): Promise<readonly ProductCosts[]>;
  /** Trains a few steps of a trial, to tell what the whole of it takes. Keeps nothing. */
  measureSteps(work: Work, options: Pick<RunOptions, 'dataFolder' | 'signal'>): Promise<TrialCosts>;
  /**
   * Trains a trial from where it stands in the store, and publishes its result there.
   *
   * @throws the signal's reason when it was aborted
   */
  run(work: Work, options: RunOptions): Promise<TrialOutcome>;
}

/** A trial, with the values that it names. */
export interface Work {
  readonly trial: Trial;
  readonly workload: Workload;
  /** Null for the dense baseline. */
  readonly pruner: Pruner | null;
}

export interface RunOptions {
  readonly store: Store;
  /** Under which the trial is written. */
  readonly lease: LeaseKey;
  readonly dataFolder: string;
  /** Whether the trial leaves its model; not when absent. */
  readonly saveModels?: boolean;
  /** Whether it may go on from the checkpoint of another kind of processor; not when absent. */
  readonly mixed?: boolean | undefined;
  readonly onProgress: (progress: TrialProgress) => void;
  /** Is told, in a line, what of the trial's place is not believed. */
  readonly onNote: (line: string) => void;
  readonly signal: AbortSignal;
}
