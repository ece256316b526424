import { global, uniform, type Allocation, type Pruner } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import plantedBlocks from '@espalier/workloads/planted-blocks';
import { describe, expect, it } from 'vitest';

import { planTrials, type Plan } from './plan.js';

const reference = (name: string) => ({
  name,
  module: name,
  section: 'default' as const,
  contentHash: null,
});
const strategy = (name: string, more: Partial<Pruner> = {}) => ({
  reference: reference(name),
  pruner: { ...magnitude(), name, ...more },
});

const plan: Plan = {
  workload: { reference: reference('planted-blocks'), workload: plantedBlocks },
  strategies: [strategy('a'), strategy('b')],
  targets: [
    { sparsity: 0.9, blockShape: [8, 8] },
    { sparsity: 0.95, blockShape: [16, 16] },
  ],
  allocations: [],
  seeds: [0, 1, 2],
  epochs: 4,
  computing: { backend: 'wasm', accelerators: [], threads: 1 },
  sparsePhases: true,
};

describe('planTrials', () => {
  it('is the dense baseline of each seed, then every strategy at every target and seed', () => {
    const trials = planTrials(plan);
    expect(trials).toHaveLength(3 + 2 * 2 * 3);
    expect(trials.slice(0, 3).map(({ pruner, seed }) => [pruner, seed])).toEqual([
      [null, 0],
      [null, 1],
      [null, 2],
    ]);
    expect(trials[0]).toMatchObject({
      sparsity: 0,
      blockShape: [1, 1],
      allocation: null,
      sparsePhases: false,
    });
    const pruned = trials.slice(3).map(({ pruner, sparsity, seed }) => [pruner?.name, sparsity, seed]);
    expect(pruned.slice(0, 4)).toEqual([
      ['a', 0.9, 0],
      ['a', 0.9, 1],
      ['a', 0.9, 2],
      ['a', 0.95, 0],
    ]);
  });

  it('is plain data', () => {
    const trials = planTrials(plan);
    expect(JSON.parse(JSON.stringify(trials))).toEqual(trials);
  });

  it('has a row for each allocation that is asked for, and the dense baseline once', () => {
    const trials = planTrials({ ...plan, allocations: ['uniform', 'global', 'erdos-renyi-kernel'] });
    expect(trials).toHaveLength(3 + 2 * 2 * 3 * 3);
    const names = new Set(trials.map(({ allocation }) => allocation?.name));
    expect([...names]).toEqual([undefined, 'uniform', 'global', 'erdos-renyi-kernel']);
  });

  it('gives a target its own product costs, and its overrides', () => {
    const overrides = { 'dense_1/kernel': { sparsity: 0.5 } };
    const costs = [
      { blockShape: [16, 16], perKeptWeight: 2, perStep: 1 },
      { blockShape: [8, 8], perKeptWeight: 3, perStep: 1 },
    ] as const;
    const targets = plan.targets.map((target) => ({ ...target, overrides }));
    const [dense, , , first] = planTrials({ ...plan, targets, productCosts: costs });
    expect(first?.productCosts).toEqual(costs[1]);
    expect(first?.overrides).toEqual(overrides);
    expect(dense).not.toHaveProperty('productCosts');
    expect(dense).not.toHaveProperty('overrides');
  });
});

describe('the allocation of a trial', () => {
  const half: Allocation = { name: 'half', byScore: false, keep: (layers) => layers.map(() => 1) };
  const allocationOf = (
    asked: Plan['allocations'],
    ofWorkload: Allocation | 'global' | null,
    own?: Allocation,
  ) => {
    const target = ofWorkload === null ? {} : { allocation: ofWorkload };
    const workload = { ...plan.workload, workload: { ...plantedBlocks, target } };
    const strategies = [strategy('a', own && { allocation: own })];
    return planTrials({ ...plan, allocations: asked, workload, strategies }).at(-1)?.allocation;
  };

  it.each([
    ['the one asked for, before all others', ['global'], half, half, { name: 'global', of: 'core' }],
    ["else the workload's, by name", [], 'global', half, { name: 'global', of: 'core' }],
    ["else the workload's, by value", [], half, uniform, { name: 'half', of: 'workload' }],
    ["else the strategy's own", [], null, half, { name: 'half', of: 'strategy' }],
    ["core's by its name, whoever has it", [], null, global, { name: 'global', of: 'core' }],
    ['else uniform', [], null, undefined, { name: 'uniform', of: 'core' }],
  ] as const)('is %s', (_, asked, ofWorkload, own, expected) => {
    expect(allocationOf([...asked], ofWorkload, own)).toEqual(expected);
  });
});
