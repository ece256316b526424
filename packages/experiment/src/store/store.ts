/**
 * Where the results of a comparison lie, and what its trials need to go on where they were. Everything that an
 * experiment writes goes through here.
 */
import type { PruningState } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs';

import type { Trial, TrialResult } from '../trial/trial.js';

export interface Store {
  /** Where another process opens the same store; null where none can. */
  readonly address: string | null;
  /** A document of the whole comparison, such as `summary.json`; null where there is none. */
  read(name: string): Promise<string | null>;
  /** Replaces a document: it appears whole or not at all. */
  write(name: string, text: string): Promise<void>;
  /** The place of one trial. Nothing is written before `begin`. */
  trial(name: string): TrialStore;
}

export interface TrialStore {
  /** Makes the place, and notes what is trained there. */
  begin(trial: Trial): Promise<void>;
  /** Null where the trial has not ended, or what lies there cannot be read. */
  result(): Promise<TrialResult | null>;
  /** The result appears whole or not at all; then what it was made of goes. */
  publish(result: TrialResult): Promise<void>;
  /** Removes what a trial that has ended needs no more, where it was killed before it had done so. */
  tidy(): Promise<void>;
  /** Null where there is none, or it cannot be read. */
  checkpoint(): Promise<Checkpoint | null>;
  /** Replaces the one before as a whole. */
  saveCheckpoint(checkpoint: Checkpoint): Promise<void>;
  /** What was measured step by step. */
  readonly metrics: StepLog;
}

export interface StepLog {
  /** From nothing. */
  start(): Promise<void>;
  append(steps: readonly StepMetrics[]): Promise<void>;
  /** How much there is, in the store's own units. */
  length(): Promise<number>;
  /** Cuts off what was appended after there was so much. */
  rewind(length: number): Promise<void>;
  read(): Promise<StepMetrics[]>;
}

export interface StepMetrics {
  readonly step: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly phase: string;
  /** Share of blocks that the masks prune, over the pruned layers. */
  readonly sparsity: number;
}

export interface StoredTensor {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: tf.DataType;
  readonly values: tf.TypedArray;
}

/** Where training stands, beside the variables. */
export interface Standing {
  /** Steps done. */
  readonly step: number;
  /** Wall time that the steps took, in milliseconds. */
  readonly elapsedMs: number;
}

/** What an interrupted trial needs to go on exactly where it was: plain data. */
export interface Checkpoint extends Standing {
  readonly trialId: string;
  /** Of the step log, when it was taken. */
  readonly metricsLength: number;
  readonly weights: readonly StoredTensor[];
  readonly optimizer: readonly StoredTensor[];
  readonly pruning: PruningState | null;
}
