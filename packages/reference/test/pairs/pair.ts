/** A strategy twice: Espalier's, and the reference's. */
import { type Allocation, global, type Pruner } from '@espalier/core';

import * as reference from '../../src/index.js';

export interface Pair {
  readonly pruner: Pruner;
  readonly strategy: reference.Strategy;
  /** The strategy's own, when absent. */
  readonly allocation?: { readonly espalier: Allocation; readonly reference: reference.Allocation };
}

export interface Pairs {
  /** As they are by default, or with shorter phases where these would not fit. */
  readonly strategies: Readonly<Record<string, Pair>>;
  /** Other settings of theirs. */
  readonly variants: Readonly<Record<string, Pair>>;
}

/** Both are made of the same settings. */
export function pair<Settings>(
  pruner: (settings?: Settings) => Pruner,
  strategy: (settings?: NoInfer<Settings>) => reference.Strategy,
  settings?: Settings,
): Pair {
  return { pruner: pruner(settings), strategy: strategy(settings) };
}

/** The budget shared over all kernels by score. */
export function overall(own: Pair): Pair {
  return { ...own, allocation: { espalier: global, reference: reference.global } };
}

/** Everything that an alternating plan can have, in few steps. */
export const plan = { warmUp: 0.125, cycles: 2, lastCycleExtension: 0.125, fineTuning: 0.25 };
