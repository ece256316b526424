/**
 * Where the results of a comparison lie, and what its trials need to go on where they were. Everything that an
 * experiment writes goes through here.
 *
 * Several commands, on several machines, may share a store. Each trial in it has one owner at a time, who holds a lease
 * with a number; the number grows when another takes over from an owner that died, and what comes with a smaller one is
 * refused.
 */
import type { PruningState } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs';

import type { MaskRecord } from '../trial/masks.js';
import type { SearchState } from '../trial/search-watch.js';
import type { Trial, TrialResult } from '../trial/trial.js';

export interface Store {
  /** Where another process opens the same store; null where none can. */
  readonly address: string | null;
  /** A document of the whole comparison, such as `summary.json`; null where there is none. */
  read(name: string): Promise<string | null>;
  /** Replaces a document: it appears whole or not at all. */
  write(name: string, text: string): Promise<void>;
  /** Writes a document where there is none; false where there is one. */
  create(name: string, text: string): Promise<boolean>;
  /** The names of the trials that have a place. */
  trials(): Promise<string[]>;
  /**
   * The place of one trial. Nothing is written before `begin`.
   *
   * @param lease whose writes these are; when absent nobody's, which are refused where there is an owner
   */
  trial(name: string, lease?: LeaseKey): TrialStore;
}

/** What a write to a trial's place comes with. */
export interface LeaseKey {
  readonly owner: string;
  /** Larger at each takeover. */
  readonly number: number;
}

export interface Lease extends LeaseKey {
  /** How many owners before have died with it, since one last let go of it for good. */
  readonly kills: number;
  /**
   * Lets go of the trial, as it stands.
   *
   * @param forgiven whether kills are counted anew; not when absent
   */
  release(forgiven?: boolean): Promise<void>;
}

/** What lies in a place may be `Doubtful`, which is thrown: what cannot be believed is made anew. */
export interface TrialStore {
  /** Takes the trial, and gives signs of life until it is released; else who has it, in words. */
  claim(): Promise<Lease | string>;
  /** Who has it, in words; null where nobody has. */
  holder(): Promise<string | null>;
  /** What is trained there. @throws Doubtful */
  trial(): Promise<Trial | null>;
  /** Makes the place, and notes what is trained there. */
  begin(trial: Trial): Promise<void>;
  /** Null where the trial has not ended. @throws Doubtful */
  result(): Promise<TrialResult | null>;
  /**
   * The result appears once, whole or not at all; then what it was made of goes.
   *
   * @returns what lies there: the result of another owner, where that was faster
   */
  publish(result: TrialResult): Promise<TrialResult>;
  /** Why it failed when it was last run; null where it did not, or has begun again since. @throws Doubtful */
  failure(): Promise<Failure | null>;
  /** Notes why it failed, until it begins again. */
  saveFailure(failure: Failure): Promise<void>;
  /** Removes what a trial that has ended needs no more, where it was killed before it had done so. */
  tidy(): Promise<void>;
  /** Null where there is none. @throws Doubtful */
  checkpoint(): Promise<Checkpoint | null>;
  /** Replaces the one before as a whole. */
  saveCheckpoint(checkpoint: Checkpoint): Promise<void>;
  /** Keeps a trial's model: the list of its files appears last, so that they count whole or not at all. */
  saveModels(models: ModelsToSave): Promise<void>;
  /** Null where none were saved. @throws Doubtful where a file is not what was saved */
  models(): Promise<SavedModels | null>;
  /** One of those that `models` lists. @throws Doubtful */
  modelFile(file: SavedFile): Promise<Uint8Array>;
  /** The masks that its search chose; null of the dense baseline, and where it has not ended. @throws Doubtful */
  masks(): Promise<MaskRecord | null>;
  /** Before the result is published, so that no result lacks them. */
  saveMasks(masks: MaskRecord): Promise<void>;
  /** What was measured step by step. */
  readonly metrics: StepLog;
}

export interface Failure {
  readonly trialId: string;
  readonly message: string;
}

/** What is kept of a trained model. */
interface OfModels {
  readonly trialId: string;
  /** Steps that it was trained for. */
  readonly step: number;
  /** Of the dense model, on the test examples. */
  readonly loss: number;
}

export interface ModelsToSave extends OfModels {
  /** Bytes by their paths in the trial's place. */
  readonly files: Readonly<Record<string, Uint8Array>>;
}

export interface SavedModels extends OfModels {
  readonly files: readonly SavedFile[];
}

export interface SavedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface StepLog {
  /** From nothing. */
  start(): Promise<void>;
  append(steps: readonly StepMetrics[]): Promise<void>;
  /** What there is, by its length and its content. */
  mark(): Promise<LogMark>;
  /**
   * Cuts off what was appended after a mark.
   *
   * @returns false where what was there then is not there any more; then nothing is changed
   */
  rewind(mark: LogMark): Promise<boolean>;
  read(): Promise<StepMetrics[]>;
}

export interface LogMark {
  /** In the store's own units. */
  readonly length: number;
  /** Of all up to there. */
  readonly sha256: string;
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
  readonly metrics: LogMark;
  readonly weights: readonly StoredTensor[];
  readonly optimizer: readonly StoredTensor[];
  readonly pruning: PruningState | null;
  /** What the search did so far; null of the dense baseline. */
  readonly search: SearchState | null;
  /** The kinds of processor that its steps were computed on, in their order; absent where that is not known. */
  readonly processors?: readonly string[];
}

/** Of whoever holds no lease. */
export const NOBODY: LeaseKey = { owner: '', number: 0 };
