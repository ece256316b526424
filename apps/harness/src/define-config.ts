/** What a user's `espalier.config.ts` is. Imports nothing: a config costs no more than what it imports itself. */
import type { Pruner } from '@espalier/core';
import type { Workload } from '@espalier/workloads';

/** What `espalier.config.ts` may export as its default. */
export interface EspalierConfig {
  /** Strategies by name; a function is called without arguments. */
  readonly pruners?: Readonly<Record<string, Pruner | (() => Pruner)>>;
  readonly workloads?: Readonly<Record<string, Workload>>;
}

/** Gives `espalier.config.ts` its types. */
export function defineConfig(config: EspalierConfig): EspalierConfig {
  return config;
}
