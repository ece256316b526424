/**
 * A trial: workload × strategy × target × allocation × seed. Plain data, so that it can be hashed, stored, and handed
 * to another process.
 */
import type { ScaleName, TrainingSettings } from '@espalier/workloads';
import { assertArgument, type Overrides, type PruningReport } from '@espalier/core';

import { aTrial } from '../arguments.js';
import type { AttentionSpread, SearchState } from './search-watch.js';

/** What computes, by its contents. */
export interface Code {
  /** A digest of each of Espalier's packages and of each file of a user's own; other packages by name and version. */
  readonly modules: Readonly<Record<string, string>>;
  /** Of the packages: kept beside, and no part of what a trial is. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Where a strategy or workload comes from: enough to load it again in another process. */
export interface Reference {
  readonly name: string;
  /** Module specifier or absolute path; null of a value that was handed over, which no other process can load. */
  readonly module: string | null;
  /** By which another machine finds its own of it: a name that its command knows, no path. Absent of a value. */
  readonly asked?: string;
  /** A key of the module's default export, for what an `espalier.config` defines. */
  readonly section: 'default' | 'pruners' | 'workloads';
  /** SHA-256 of the module's file where it is the user's own, so that an edit makes another trial. */
  readonly contentHash: string | null;
  /** The module and all that it imports; absent where that is not known, as in a browser. */
  readonly code?: Code | null;
  /** Settings that a strategy's factory is called with; its own where absent. */
  readonly given?: Readonly<Record<string, unknown>>;
}

/** How sparse, in which blocks: what every pruned layer is held to, and what single kernels have of their own. */
export interface TrialTarget {
  readonly sparsity: number;
  readonly blockShape: readonly [number, number];
  readonly overrides?: Overrides;
}

/** An allocation, and who knows it: core by its name, or the workload or the strategy, which have a value of it. */
export interface AllocationReference {
  readonly name: string;
  readonly of: 'core' | 'workload' | 'strategy';
}

/** A thing that multiplies faster than the backend alone, as a trial uses it. */
export interface UsedAccelerator {
  readonly name: string;
  /** Null of one that is no library. */
  readonly library: {
    readonly kind: string;
    readonly path: string;
    readonly version: string | null;
    /** All that it says of itself: two of one build compute the same bits. */
    readonly build: string;
  } | null;
}

/** Where and how a trial computes. */
export interface Computing {
  /** A choice that starts the backend again. */
  readonly backend: string;
  readonly accelerators: readonly UsedAccelerator[];
  readonly threads: number;
  /** What trains and measures; absent where that is not known, as in a browser. */
  readonly code?: Code | null;
}

/** What the workload's value says of training, for the identity. */
export interface Training {
  readonly batchSize: number;
  /** Of which batch normalisation's moments are, where a batch is gone through in parts. */
  readonly microBatchSize?: number;
  /** The optimiser's kind and settings. */
  readonly optimizer: Readonly<Record<string, unknown>>;
  /** A digest of the learning rate's course. */
  readonly learningRate: string;
  readonly minimumBlocks?: number;
}

/** In multiply-adds of a dense product: `Costs` of the package for blocks of one shape, as plain data. */
export interface ProductCosts {
  readonly blockShape: readonly [number, number];
  /** A multiply-add at a kept weight. */
  readonly perKeptWeight: number;
  /** What a layer's step takes beside its three products. */
  readonly perStep: number;
}

export interface Trial extends TrialTarget, Computing {
  readonly workload: Reference;
  /** How much of the workload's recipe; absent of a workload that was handed over as it is. */
  readonly scale?: ScaleName;
  /** Null for the dense baseline. Its sparsity is 0 then, its blocks 1 × 1. */
  readonly pruner: (Reference & { readonly settings: unknown }) | null;
  /** How it trains otherwise than the workload says; absent where it does not. */
  readonly tuned?: TrainingSettings;
  /** By which examples it is judged; the test split when absent. */
  readonly split?: 'validation';
  /** Null for the dense baseline. */
  readonly allocation: AllocationReference | null;
  readonly seed: number;
  readonly epochs: number;
  /** Whether layers compute with their kept blocks alone while that is faster; false for the dense baseline. */
  readonly sparsePhases: boolean;
  /**
   * What products cost on the device, by which sparse phases find the faster; absent where `@espalier/block-sparse`
   * knows it of the backend.
   */
  readonly productCosts?: ProductCosts;
  /** Absent where it was not asked. */
  readonly training?: Training;
  /** The digest of the data set for this seed; absent where it was not asked. */
  readonly data?: string;
}

export function prunerName(trial: Pick<Trial, 'pruner'>): string {
  return trial.pruner?.name ?? 'dense';
}

/** How a trial is called in progress bars and messages. */
export function trialLabel(trial: Trial): string {
  assertArgument('trialLabel()', 'trial', trial, aTrial);
  const { pruner, sparsity, blockShape, allocation, seed, tuned, split } = trial;
  // Of those that settings are chosen by, the settings tell one from the other.
  const chosen = split ? settingsText({ ...pruner?.given, ...tuned }) : '';
  const variant = chosen === '' ? '' : ` (${chosen})`;
  if (!pruner) return `dense${variant} seed ${seed}`;
  const shared = allocation && allocation.name !== 'uniform' ? ` ${allocation.name}` : '';
  return `${pruner.name} ${sparsity} ${blockShape.join('×')}${shared}${variant} seed ${seed}`;
}

/** `name value, name value`, numbers to four digits. */
export function settingsText(settings: object): string {
  const text = (value: unknown) =>
    typeof value === 'number' ? String(Number(value.toPrecision(4))) : JSON.stringify(value);
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${text(value)}`)
    .join(', ');
}

/** What a trial that ended leaves behind. */
export interface TrialResult {
  readonly id: string;
  readonly status: 'ok' | 'diverged';
  /** By the measures' keys; null where one has nothing to say. */
  readonly measures: Readonly<Record<string, number | null>>;
  /** Null for the dense baseline, and where it diverged. */
  readonly report: PruningReport | null;
  readonly fingerprint: Fingerprint;
  readonly device: string;
  /** What the search did; null for the dense baseline. */
  readonly search: SearchRecord | null;
  /** The kinds of processor that trained it, in their order, where there were several: then its bits are of neither. */
  readonly processors?: readonly string[];
}

export interface SearchRecord extends Pick<SearchState, 'choices'> {
  /** Null where nothing is under attention, and where training diverged. */
  readonly attention: AttentionSpread | null;
}

export interface Fingerprint {
  /** Of the effective initial weights. */
  readonly init: string;
  /** Of the examples and the order they are trained in. */
  readonly data: string;
}

interface FailedTrial {
  readonly status: 'failed';
  readonly message: string;
  /** Whether another owner took the trial over on the way: then it is to be asked for again. */
  readonly taken?: boolean;
}

export type TrialOutcome = TrialResult | FailedTrial;

export interface TrialProgress {
  readonly step: number;
  readonly totalSteps: number;
  readonly loss: number;
  readonly phase: string;
}
