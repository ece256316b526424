/**
 * Which allocation a trial has: the one that was asked for, else the workload's, else the strategy's own, else uniform.
 */
import { allocations, uniform, type Allocation, type AllocationName, type Pruner } from '@espalier/core';
import type { Workload } from '@espalier/workloads';

import type { AllocationReference } from './trial.js';

/** @param asked null when none was: then it is the workload's or the strategy's to say */
export function allocationFor(
  asked: AllocationName | null,
  { target }: Pick<Workload, 'target'>,
  pruner: Pick<Pruner, 'allocation'>,
): AllocationReference {
  if (asked) return { name: asked, of: 'core' };
  if (typeof target?.allocation === 'string') return { name: target.allocation, of: 'core' };
  if (target?.allocation) return referenceTo(target.allocation, 'workload');
  return referenceTo(pruner.allocation ?? uniform, 'strategy');
}

/** Those of core are known by their names, wherever they were named. */
function referenceTo(allocation: Allocation, owner: 'workload' | 'strategy'): AllocationReference {
  const { name } = allocation;
  return { name, of: isAllocationName(name) && allocations[name] === allocation ? 'core' : owner };
}

/** The value again. */
export function allocationOf(
  { name, of }: AllocationReference,
  { target }: Pick<Workload, 'target'>,
  pruner: Pick<Pruner, 'allocation'>,
): Allocation {
  const owned = of === 'workload' ? target?.allocation : pruner.allocation;
  const found = of === 'core' ? allocations[name as AllocationName] : owned;
  if (typeof found === 'object' && found.name === name) return found;
  throw new Error(`The ${of} has no allocation '${name}' any more`);
}

export function isAllocationName(name: string): name is AllocationName {
  return Object.hasOwn(allocations, name);
}
