/** `summary.json`: one row a trial, as the command's contract fixes them, and what they were computed on. */
import { cpus } from 'node:os';

import type { BackendDescription } from '@espalier/backend';
import type { PruningReport } from '@espalier/core';
import type { AcceleratorLibrary } from '@espalier/wasm-training/accelerators';
import * as tf from '@tensorflow/tfjs';

import type { ProductCosts } from '../trial/product-costs.js';
import type { TrialOutcome } from '../trial/run-trials.js';
import {
  prunerName,
  type Fingerprint,
  type Trial,
  type TrialMetrics,
  type TrialResult,
} from '../trial/trial.js';

export interface Row {
  readonly pruner: string;
  readonly sparsity: number;
  readonly blockShape: readonly [number, number];
  readonly seed: number;
  readonly status: 'ok' | 'diverged' | 'failed';
  /** Null unless the status is `ok`. */
  readonly metrics: TrialMetrics | null;
  readonly achieved: PruningReport['achieved'] | null;
  readonly timing: {
    readonly stepMs: number | null;
    /** Of the dense baseline of the same seed. */
    readonly denseStepMs: number | null;
    readonly totalMs: number | null;
    readonly predictMs: number | null;
  };
  readonly size: TrialResult['size'];
  readonly blockSparse: TrialResult['blockSparse'];
  readonly peakMemoryBytes: number | null;
  readonly peakGpuMemoryBytes: number | null;
  readonly fingerprint: Fingerprint | null;
  /** Kernel by kernel, what was pruned and what was left dense, and why. */
  readonly report: PruningReport | null;
  /** Why it failed. */
  readonly message?: string;
}

export interface Environment {
  readonly backend: string;
  readonly device: string;
  /** The BLAS library that multiplies matrices; null where there is none. */
  readonly blas: Pick<AcceleratorLibrary, 'kind' | 'version' | 'build'> | null;
  /**
   * What products cost, in multiply-adds of a dense one, as they were timed for the choices of sparse phases; null
   * where none were.
   */
  readonly productCosts: readonly ProductCosts[] | null;
  readonly kind: BackendDescription['kind'];
  readonly tfjs: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  readonly cores: number;
  readonly jobs: number;
  readonly date: string;
}

export interface Summary {
  readonly schemaVersion: 1;
  readonly workload: string;
  readonly task: 'classification' | 'regression';
  readonly epochs: number;
  /** What the paired differences are taken against. */
  readonly reference: string;
  readonly environment: Environment;
  readonly rows: readonly Row[];
}

export function describeEnvironment(
  { name, device, kind }: BackendDescription,
  blas: AcceleratorLibrary | null,
  productCosts: readonly ProductCosts[] | null,
  jobs: number,
): Environment {
  const processors = cpus();
  return {
    backend: name,
    device,
    kind,
    blas: blas && { kind: blas.kind, version: blas.version, build: blas.build },
    productCosts,
    tfjs: tf.version['tfjs'] as string,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    jobs,
    date: new Date().toISOString(),
  };
}

/** @param outcomes in the order of the trials */
export function rowsOf(trials: readonly Trial[], outcomes: readonly TrialOutcome[]): Row[] {
  const denseStepMs = new Map<number, number>();
  trials.forEach((trial, i) => {
    const outcome = outcomes[i] as TrialOutcome;
    if (!trial.pruner && outcome.status !== 'failed') denseStepMs.set(trial.seed, outcome.timing.stepMs);
  });
  return trials.map((trial, i) => {
    const outcome = outcomes[i] as TrialOutcome;
    const { sparsity, blockShape, seed } = trial;
    const identity = { pruner: prunerName(trial), sparsity, blockShape, seed, status: outcome.status };
    const dense = denseStepMs.get(seed) ?? null;
    if (outcome.status === 'failed') {
      return {
        ...identity,
        metrics: null,
        achieved: null,
        timing: { stepMs: null, denseStepMs: dense, totalMs: null, predictMs: null },
        size: { savedBytes: null, weightBytes: null, gzipBytes: null },
        blockSparse: null,
        peakMemoryBytes: null,
        peakGpuMemoryBytes: null,
        fingerprint: null,
        report: null,
        message: outcome.message,
      };
    }
    const { metrics, achieved, timing, size, blockSparse, fingerprint, report } = outcome;
    return {
      ...identity,
      metrics,
      achieved,
      timing: { ...timing, denseStepMs: dense },
      size,
      blockSparse,
      peakMemoryBytes: outcome.peakMemoryBytes,
      peakGpuMemoryBytes: outcome.peakGpuMemoryBytes,
      fingerprint,
      report,
    };
  });
}
