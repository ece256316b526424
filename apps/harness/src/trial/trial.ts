/**
 * A trial: workload × strategy × target × seed. Plain data, so that it can be hashed, stored, and handed to a
 * process of its own.
 */
import { createHash } from 'node:crypto';

import type { NamedChoice } from '@espalier/backend';
import type { PruningReport } from '@espalier/core';
import { configure } from 'safe-stable-stringify';

import type { BlockSparseMeasures, SavedSize } from './measures.js';
import type { ProductCosts } from './product-costs.js';

/** Where a strategy or workload comes from: enough to load it again in another process. */
export interface Reference {
  readonly name: string;
  /** Module specifier or absolute path. */
  readonly module: string;
  /** A key of the module's default export, for what an `espalier.config` defines. */
  readonly section: 'default' | 'pruners' | 'workloads';
  /** SHA-256 of the module's file where it is the user's own, so that an edit makes another trial. */
  readonly contentHash: string | null;
}

export interface Trial {
  readonly workload: Reference;
  /** Null for the dense baseline. */
  readonly pruner: (Reference & { readonly settings: unknown }) | null;
  /** 0 for the dense baseline. */
  readonly sparsity: number;
  /** [1, 1] for the dense baseline. */
  readonly blockShape: readonly [number, number];
  readonly seed: number;
  readonly epochs: number;
  readonly backend: NamedChoice;
  /** The BLAS library that multiplies matrices on the wasm backend; absent where there is none. */
  readonly blas?: {
    readonly path: string;
    /** What it says of itself: two of one build compute the same bits. */
    readonly build: string;
  };
  /** Whether layers compute with their kept blocks alone while that is faster; false for the dense baseline. */
  readonly sparsePhases: boolean;
  /**
   * What products cost on the device, by which sparse phases find the faster; absent where `@espalier/block-sparse`
   * knows it of the backend.
   */
  readonly productCosts?: ProductCosts;
}

/** Raised when a change to the harness makes results no longer comparable with stored ones. */
const TRIAL_VERSION = 1;

const canonicalJson = configure({ strict: true });

/** The trial's identity: a hash of its canonical configuration. */
export function trialId(trial: Trial): string {
  // Where a module or a library lies does not change what it computes; what it says does.
  const identity = (reference: Reference) => ({ name: reference.name, contentHash: reference.contentHash });
  const canonical = canonicalJson({
    version: TRIAL_VERSION,
    ...trial,
    workload: identity(trial.workload),
    blas: trial.blas?.build,
    pruner: trial.pruner && { ...identity(trial.pruner), settings: trial.pruner.settings },
  }) as string;
  return createHash('sha256').update(canonical).digest('hex').slice(0, 12);
}

export function prunerName(trial: Trial): string {
  return trial.pruner?.name ?? 'dense';
}

/** A folder name that a person can read, and that no two trials share. */
export function trialFolderName(trial: Trial): string {
  const target = trial.pruner ? `-${trial.sparsity}-${trial.blockShape.join('x')}` : '';
  return `${prunerName(trial)}${target}-seed${trial.seed}-${trialId(trial)}`;
}

/** How a trial is called in progress bars and messages. */
export function trialLabel(trial: Trial): string {
  const target = trial.pruner ? ` ${trial.sparsity} ${trial.blockShape.join('×')}` : '';
  return `${prunerName(trial)}${target} seed ${trial.seed}`;
}

export interface TrialMetrics {
  readonly loss: number;
  readonly accuracy?: number;
  /** Share of the true support's weights that lie in kept blocks. */
  readonly supportRecovery?: number;
}

/** What a trial leaves behind in its folder's `result.json`. */
export interface TrialResult {
  readonly id: string;
  readonly status: 'ok' | 'diverged';
  /** Null when it diverged. */
  readonly metrics: TrialMetrics | null;
  readonly achieved: PruningReport['achieved'] | null;
  readonly report: PruningReport | null;
  readonly timing: {
    /** Mean wall time of a training step, in milliseconds. */
    readonly stepMs: number;
    /** Wall time of all training steps, in milliseconds. */
    readonly totalMs: number;
    /** Median wall time of predicting one batch of the training's size, in milliseconds. */
    readonly predictMs: number | null;
  };
  /** Nothing where it diverged. */
  readonly size: { readonly [Measure in keyof SavedSize]: number | null };
  /** The pruned model with block-sparse layers; null for the dense baseline. */
  readonly blockSparse: BlockSparseMeasures | null;
  /** Peak resident memory of the trial's process, in bytes. */
  readonly peakMemoryBytes: number;
  /** Peak of what tfjs had allocated on the device, in bytes; null where there is no device with memory of its own. */
  readonly peakGpuMemoryBytes: number | null;
  readonly fingerprint: Fingerprint;
  readonly device: string;
}

export interface Fingerprint {
  /** Of the effective initial weights. */
  readonly init: string;
  /** Of the examples and the order they are trained in. */
  readonly data: string;
}

/** What a trial's process tells the one that started it. */
export type TrialMessage =
  | {
      readonly type: 'progress';
      readonly step: number;
      readonly totalSteps: number;
      readonly loss: number;
      readonly phase: string;
    }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly message: string };
