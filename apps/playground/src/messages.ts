/** What the worker tells the page. */
import type { KernelView, StepMetrics, Summary } from '@espalier/experiment';
import type { TrialRecord } from '@espalier/report';

import type { ModelFiles } from './speed.js';

/** A trial, as the page calls it. */
interface Planned {
  /** The strategy; `dense` of the baseline. */
  readonly name: string;
}

/** A pruned model, compressed, and what that is worth on this device. */
export interface CompressedModel extends ModelFiles {
  readonly strategy: string;
  /** Bytes of its files, and of those of the same model as it was trained. */
  readonly bytes: number;
  readonly denseBytes: number;
  /** Of predicting a batch, in milliseconds. */
  readonly predictMs: number;
  readonly densePredictMs: number;
}

export type Message =
  | { readonly kind: 'planned'; readonly device: string; readonly trials: readonly Planned[] }
  | { readonly kind: 'started'; readonly index: number }
  | {
      readonly kind: 'reading';
      readonly index: number;
      readonly steps: readonly StepMetrics[];
      readonly totalSteps: number;
      /** Null where they were not read this time. */
      readonly kernels: readonly KernelView[] | null;
    }
  | {
      readonly kind: 'ended';
      readonly index: number;
      readonly loss: number | null;
      readonly trouble: string | null;
    }
  | { readonly kind: 'noted'; readonly line: string }
  | {
      readonly kind: 'done';
      readonly summary: Summary;
      readonly records: readonly TrialRecord[];
      readonly models: readonly CompressedModel[];
    }
  | { readonly kind: 'failed'; readonly message: string };
