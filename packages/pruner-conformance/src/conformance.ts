/** What a check is, and how it fails. */
import type { Pruner } from '@espalier/core';

/** Makes the strategy under test; called anew for each run, so that a module's own state is found out. */
export type MakePruner = () => Pruner;

export interface ConformanceOptions {
  /**
   * Optimiser steps in a run. When absent, the fewest (of 24 or more) in which every phase has a step; name more
   * where the strategy needs them for what it does, as one that selects every hundred steps.
   */
  readonly totalSteps?: number;
  /** As tfjs calls the backend that it is checked on; it has been started. tfjs' own `cpu` when absent. */
  readonly backend?: string;
}

/** One promise of the interface. Resolves where the strategy keeps it; throws a `ConformanceError` where not. */
export type Check = (makePruner: MakePruner, options?: ConformanceOptions) => Promise<void>;

/** A strategy does not keep what the interface promises. The message says which promise, where, and what to do. */
export class ConformanceError extends Error {
  override readonly name = 'ConformanceError';
}

/** @throws ConformanceError with the message, unless the condition holds. */
export function ensure(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) throw new ConformanceError(typeof message === 'string' ? message : message());
}
