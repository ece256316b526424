/** The trials of a comparison: a pure function of what is compared. */
import {
  anObject,
  assertOptions,
  assertParts,
  listOf,
  oneOf,
  required,
  trueOrFalse,
  wholeNumber,
  type AllocationName,
  type Pruner,
} from '@espalier/core';
import type { TrainingSettings, Workload } from '@espalier/workloads';

import { allocationNames, assertWorkload, seedList } from './arguments.js';
import { allocationFor } from './trial/allocation.js';
import type { Computing, ProductCosts, Reference, Training, Trial, TrialTarget } from './trial/trial.js';

/** A value with where it comes from. */
export interface Strategy {
  readonly reference: Reference;
  readonly pruner: Pruner;
  /** How its trials train otherwise than the workload says; absent where they do not. */
  readonly training?: TrainingSettings;
  /** The one target that it is for, where another has other settings; all when absent. */
  readonly target?: Pick<TrialTarget, 'sparsity' | 'blockShape'>;
}

export interface ComparedWorkload {
  readonly reference: Reference;
  readonly workload: Workload;
}

export interface Plan {
  readonly workload: ComparedWorkload;
  readonly strategies: readonly Strategy[];
  readonly targets: readonly TrialTarget[];
  /** For all strategies; empty where it is the workload's or each strategy's to say. */
  readonly allocations: readonly AllocationName[];
  readonly seeds: readonly number[];
  readonly epochs: number;
  readonly computing: Computing;
  readonly sparsePhases: boolean;
  /** How the dense baselines train otherwise than the workload says: one for each seed and each of these; as it says when absent. */
  readonly dense?: readonly TrainingSettings[];
  /** By which examples trials are judged; the test split when absent. */
  readonly split?: 'validation';
  /** Of each target's block shape; null where the package knows them. */
  readonly productCosts?: readonly ProductCosts[] | null;
  /** What the workload says of training; left out of the identity where it is absent, as is data. */
  readonly training?: Training;
  /** By seed, the data set's digest. */
  readonly data?: Readonly<Record<number, string>>;
}

const withReference = anObject('a value with where it comes from, { reference, … }', { reference: 'object' });

function assertPlan(plan: Plan): void {
  assertOptions('planTrials()', plan, {
    workload: required(withReference),
    strategies: required(listOf(withReference, 'a list of { reference, pruner }')),
    targets: required(
      listOf(anObject('a target, { sparsity, blockShape }', TARGET), 'a list of { sparsity, blockShape }'),
    ),
    allocations: required(allocationNames),
    seeds: required(seedList),
    epochs: required(wholeNumber()),
    computing: required(
      anObject('what computes, { backend, accelerators, threads }', { backend: 'string', threads: 'number' }),
    ),
    sparsePhases: required(trueOrFalse),
    productCosts: {
      type: 'object',
      holds: (value) => value === null || Array.isArray(value),
      words: 'a list of costs, one for each block shape, or null',
    },
    training: anObject('what the workload says of training'),
    dense: listOf(anObject('training settings'), 'a list of training settings'),
    split: oneOf('validation'),
    data: anObject("an object of the data set's digests by seed"),
  });
  assertWorkload(plan.workload.workload, 'planTrials()');
  for (const { pruner } of plan.strategies) assertParts(pruner);
}

const TARGET = { sparsity: 'number', blockShape: 'object' } as const;

/** A trial, and the strategy that it names; null for the dense baseline. */
export interface PlannedTrial {
  readonly trial: Trial;
  readonly strategy: Strategy | null;
}

/** The dense baseline of each seed first; then strategy by strategy, target by target, allocation by allocation. */
export function planTrials(given: Plan): Trial[] {
  assertPlan(given);
  return planned(given).map(({ trial }) => trial);
}

/** The same, each trial with its strategy, of a plan that was checked. */
export function planned(given: Plan): PlannedTrial[] {
  const { workload, strategies, seeds, epochs, computing, ...plan } = given;
  const common = {
    workload: { ...workload.reference, name: workload.workload.name },
    ...(workload.workload.scale && { scale: workload.workload.scale }),
    epochs,
    ...computing,
    ...(plan.training && { training: plan.training }),
    ...(plan.split && { split: plan.split }),
  };
  const dataOf = (seed: number) => {
    const data = plan.data?.[seed];
    return data === undefined ? {} : { data };
  };
  const dense = (plan.dense ?? [{}]).flatMap((training) =>
    seeds.map((seed) => ({
      trial: {
        ...common,
        ...tuned(training),
        pruner: null,
        sparsity: 0,
        blockShape: [1, 1] as const,
        allocation: null,
        seed,
        sparsePhases: false,
        ...dataOf(seed),
      },
      strategy: null,
    })),
  );
  const allocations = plan.allocations.length > 0 ? plan.allocations : [null];
  const pruned = strategies.flatMap((strategy) => {
    const { reference, pruner, training, target: only } = strategy;
    return plan.targets.flatMap((target) => {
      if (only && !isTarget(target, only)) return [];
      const costs = plan.productCosts?.find(
        ({ blockShape }) => blockShape.join() === target.blockShape.join(),
      );
      return allocations.flatMap((asked) =>
        seeds.map((seed) => ({
          trial: {
            ...common,
            ...tuned(training),
            pruner: { ...reference, name: pruner.name, settings: pruner.settings },
            ...target,
            allocation: allocationFor(asked, workload.workload, pruner),
            seed,
            sparsePhases: plan.sparsePhases,
            ...(costs && { productCosts: costs }),
            ...dataOf(seed),
          },
          strategy,
        })),
      );
    });
  });
  return [...dense, ...pruned];
}

/** Left out of the identity where nothing is chosen. */
function tuned(training: TrainingSettings = {}): Pick<Trial, 'tuned'> {
  return Object.keys(training).length > 0 ? { tuned: training } : {};
}

export function isTarget(
  { sparsity, blockShape }: Pick<TrialTarget, 'sparsity' | 'blockShape'>,
  other: Pick<TrialTarget, 'sparsity' | 'blockShape'>,
): boolean {
  return sparsity === other.sparsity && blockShape.join() === other.blockShape.join();
}
