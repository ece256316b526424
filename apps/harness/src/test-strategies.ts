/** Every built-in strategy, with settings for short runs. */
import { loadModule } from '@espalier/experiment/node';
import type { Pruner } from '@espalier/core';
import type { Reference } from '@espalier/experiment';

import { openRegistry } from './registry.js';

/** Of those that by their own would choose nothing in a run of some tens of steps, as in their own tests. */
const SHORT: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  gmp: { everySteps: 4 },
  iht: { everySteps: 4 },
  omp: { rounds: 4 },
  ompr: { rounds: 4, swaps: 3 },
  rigl: { everySteps: 4 },
  'sequential-attention': { rounds: 4 },
  'structured-dst': { everySteps: 4 },
};

/**
 * Whether it is one of a threshold, of attention under a mask, of a support that grows: for checks of a backend that take too
 * long with all of them.
 */
export function isOfEachKind(strategy: string): boolean {
  return ['str', 'sequential-attention-plus-plus', 'ompr'].includes(strategy);
}

export interface ShortStrategy {
  readonly reference: Reference;
  make(): Pruner;
}

export async function shortStrategies(): Promise<ShortStrategy[]> {
  const { pruners } = await openRegistry(null);
  return Promise.all(
    pruners.map(async (reference) => {
      const make = (await loadModule(reference.module!)) as (settings?: object) => Pruner;
      const given = SHORT[reference.name];
      return { reference: given ? { ...reference, given } : reference, make: () => make(given) };
    }),
  );
}
