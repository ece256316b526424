/** What the command and the processes that it starts tell each other: plain data. */
import { fileURLToPath } from 'node:url';

import type { NamedChoice } from '@espalier/backend';

import type { TrialCosts } from '../../measure-steps.js';
import type { LeaseKey } from '../../store/store.js';
import type { ProductCosts, Trial, TrialProgress } from '../../trial/trial.js';

/** What a trial's process is told to do. */
export interface TrialOrder {
  readonly trial: Trial;
  /** Of the store. */
  readonly address: string;
  /** Under which the trial is written. */
  readonly lease: LeaseKey;
  readonly dataFolder: string;
  /** Whether the trial leaves its model. */
  readonly saveModels: boolean;
  /** Whether it may go on from the checkpoint of another kind of processor. */
  readonly mixed: boolean;
  readonly checkpointEveryMs?: number;
}

export type TrialMessage =
  | ({ readonly type: 'progress' } & TrialProgress)
  | { readonly type: 'done' }
  | { readonly type: 'note'; readonly line: string }
  /** `taken` by another owner. */
  | { readonly type: 'failed'; readonly message: string; readonly taken?: boolean };

/** What the process that times products is told to do. */
export interface CostsOrder {
  readonly backend: NamedChoice;
  /** As a trial has. */
  readonly threads: number;
  readonly blockShapes: readonly (readonly [number, number])[];
}

export type CostsMessage =
  | { readonly type: 'measured'; readonly costs: readonly ProductCosts[] }
  | { readonly type: 'failed'; readonly message: string };

/** What the process that measures a few steps is told to do. */
export type StepsOrder = Pick<TrialOrder, 'trial' | 'dataFolder'>;

export type StepsMessage =
  | { readonly type: 'measured'; readonly costs: TrialCosts }
  | { readonly type: 'failed'; readonly message: string };

/** The program of a process, as it is built. */
export function processFile(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
}

/** How a process ended, in words. */
export function endOf(code: number | null, signal: NodeJS.Signals | null): string {
  return `ended ${signal ? `by ${signal}` : `with code ${code}`}`;
}
