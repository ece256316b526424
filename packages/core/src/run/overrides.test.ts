/** A sparsity and a block shape of their own for single kernels. */
import type { Shape2D } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { erdosRenyiKernel, global, uniform } from '../allocation.js';
import type { Overrides } from '../overrides.js';
import type { Pruner } from '../pruner.js';
import { alternating } from '../search/alternating.js';
import { gradual } from '../search/gradual.js';
import {
  byAttention,
  byMagnitude,
  naiveNorms,
  naiveTopK,
  randomTensor,
  shortPlan,
  values,
} from '../test-support.js';
import { sparsify } from './sparsify.js';
import type { PruningState } from './state.js';
import type { Target } from './target.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** 100, 400 and 400 blocks of one weight. */
const shapes: Record<string, [number, number]> = { a: [10, 10], b: [10, 40], c: [20, 20] };

async function run(pruner: Pruner, target: Partial<Target>, seed = 1) {
  const variables = Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [
      name,
      tf.tidy(() => tf.variable(randomTensor(shape, seed + i))),
    ]),
  );
  const pruning = await sparsify(variables, pruner, {
    sparsity: 0.9,
    blockShape: [1, 1],
    totalSteps: 20,
    optimizer: null,
    ...target,
  });
  const counts = () => pruning.kernels.map(({ kept }) => kept);
  return { variables, pruning, counts };
}

/** The blocks of each kernel at every step, and what `finalize` reports. */
async function countsOf(pruner: Pruner, target: Partial<Target>) {
  const { pruning, counts } = await run(pruner, target);
  const seen = [counts()];
  for (let step = 1; step < 20; step++) {
    await pruning.step();
    seen.push(counts());
  }
  return { seen, report: await pruning.finalize() };
}

describe('a kernel with a sparsity of its own, of 0.5 where the target is 0.9', () => {
  const overrides = { b: { sparsity: 0.5 } };

  // Gradually from step 2 to step 14: cubic(1/4, 1/2, 3/4) at steps 5, 8 and 11, so that s = 0.5203125, 0.7875, 0.8859375
  // and 0.9 for the others, and 0.2890625, 0.4375, 0.4921875 and 0.5 for b: 284.375, 225, 203.125 and 200 of its blocks.
  it.each([
    // 100 and 400 times 0.4796875, 0.2125, 0.1140625 and 0.1.
    [
      uniform,
      [
        [48, 284, 192],
        [21, 225, 85],
        [11, 203, 46],
        [10, 200, 40],
      ],
    ],
    // ε = 500 (1 − s) / (100 · 0.2 + 400 · 0.1); a has 20 ε, c 40 ε blocks: ε = 3.997396, 1.770833, 0.950521, 0.833333.
    [
      erdosRenyiKernel,
      [
        [80, 284, 160],
        [35, 225, 71],
        [19, 203, 38],
        [17, 200, 33],
      ],
    ],
  ])('follows the curve to it under the allocation $name', async (allocation, expected) => {
    const { seen, report } = await countsOf(byMagnitude(gradual()), { allocation, overrides });
    expect([0, 5, 8, 11, 14, 19].map((step) => seen[step])).toEqual([
      [100, 400, 400],
      ...expected,
      expected[3],
    ]);
    expect(report.pruned.map(({ keptBlocks, targetBlocks }) => [keptBlocks, targetBlocks])).toEqual(
      expected[3]?.map((k) => [k, k]),
    );
  });

  it('has no part in a choice over all the others', async () => {
    const { variables, pruning, counts } = await run(byMagnitude(gradual()), {
      allocation: global,
      overrides,
    });
    const others: number[][] = [];
    for (let step = 0; step < 20; step++) {
      const [a, b, c] = counts() as [number, number, number];
      if ([5, 8, 11, 14].includes(step)) others.push([a + c, b]);
      await pruning.step();
    }
    // 500 (1 − s): 239.84, 106.25, 57.03 and 50.
    expect(others).toEqual([
      [240, 284],
      [106, 225],
      [57, 203],
      [50, 200],
    ]);
    const norms = ['a', 'c'].flatMap((name) => values(variables[name] as tf.Variable).map(Math.abs));
    const best = naiveTopK(norms, 50);
    await pruning.finalize();
    const left = ['a', 'c'].flatMap((name) => values(variables[name] as tf.Variable).map((w) => +(w !== 0)));
    expect(left).toEqual(best);
  });

  it('is dense in the dense phases and at its own in the sparse ones, where they alternate', async () => {
    // Two cycles of 3 + 3 steps between 4 dense and 4 sparse ones.
    const { seen } = await countsOf(byMagnitude(alternating(shortPlan)), { overrides });
    const [dense, sparse] = [
      [100, 400, 400],
      [10, 200, 40],
    ];
    const phases = [4, 3, 3, 3, 3, 4].flatMap((length, i) =>
      new Array<number[] | undefined>(length).fill(i % 2 === 0 ? dense : sparse),
    );
    expect(seen).toEqual(phases);
  });

  it.each([uniform, erdosRenyiKernel, global])(
    'goes on after a restore under the allocation $name as if it had not stopped',
    async (allocation) => {
      const target = { allocation, overrides: { ...overrides, c: { blockShape: [2, 2] as Shape2D } } };
      const pruner = byAttention(gradual());
      const [first, second] = [await run(pruner, target), await run(pruner, target, 7)];
      const shaken = ({ pruning }: typeof first, step: number) =>
        [...pruning.kernels.map(({ variable }) => variable), ...pruning.addedVariables].forEach(
          (variable, i) =>
            tf.tidy(() => variable.assign(randomTensor(variable.shape, 100 * step + i).mul(9))),
        );
      for (let step = 0; step < 8; step++) {
        shaken(first, step);
        await first.pruning.step();
      }
      shaken(second, 7);
      second.pruning.restore(JSON.parse(JSON.stringify(first.pruning.state())) as PruningState);
      for (let step = 8; step < 20; step++) {
        for (const each of [first, second]) {
          shaken(each, step);
          await each.pruning.step();
        }
        const [one, other] = [first, second].map(({ pruning }) =>
          pruning.kernels.map((kernel) => values(tf.tidy(() => kernel.effective()))),
        );
        expect(other).toEqual(one);
      }
      await first.pruning.finalize();
      await second.pruning.finalize();
      expect(values(second.variables['a']!)).toEqual(values(first.variables['a']!));
    },
  );
});

describe('a kernel with a block shape of its own', () => {
  it('is cut, scored and counted by it, and the others by the target’s', async () => {
    const { variables, pruning } = await run(byMagnitude(), { overrides: { c: { blockShape: [2, 2] } } });
    expect(pruning.kernels.map(({ grid }) => grid.gridShape)).toEqual([
      [10, 10],
      [10, 40],
      [10, 10],
    ]);
    const norms = naiveNorms(values(variables['c']!), [20, 20], [2, 2]);
    const report = await pruning.finalize();
    expect([...pruning.kernels[2]!.mask]).toEqual(naiveTopK(norms, 10));
    expect(
      report.pruned.map(({ blockShape, blocks, targetBlocks }) => [blockShape, blocks, targetBlocks]),
    ).toEqual([
      [[1, 1], 100, 10],
      [[1, 1], 400, 40],
      [[2, 2], 100, 10],
    ]);
  });

  it('is dense or pruned by the blocks of that shape', async () => {
    // 4 × 4 blocks of a are 9, of c 25; in blocks of 2 × 2 c has 100.
    const large = { blockShape: [4, 4] as Shape2D };
    await expect(run(byMagnitude(), { overrides: { c: large } })).rejects.toThrow(
      'There are overrides for c, which stays dense: 25 blocks, fewer than 100',
    );
    const { pruning } = await run(byMagnitude(), { ...large, overrides: { c: { blockShape: [2, 2] } } });
    expect(pruning.kernels.map(({ name }) => name)).toEqual(['c']);
    expect((await pruning.finalize()).dense.map(({ name }) => name)).toEqual(['a', 'b']);
  });
});

describe('the report', () => {
  it('tells what the target gives a kernel alone', async () => {
    const overrides: Overrides = { b: { sparsity: 0.5 }, c: { sparsity: 0.8, blockShape: [2, 2] } };
    const { pruning } = await run(byMagnitude(), { overrides });
    const { pruned } = await pruning.finalize();
    expect(pruned.map(({ overrides: own }) => own)).toEqual([undefined, overrides['b'], overrides['c']]);
    expect(pruned.map(({ targetBlocks, keptBlocks }) => [targetBlocks, keptBlocks])).toEqual([
      [10, 10],
      [200, 200],
      [20, 20],
    ]);
    expect(JSON.parse(JSON.stringify(pruned))).toEqual(pruned);
  });
});

it('kernels of a model have overrides by their names', async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ name: 'first', units: 8, inputShape: [8] }),
      tf.layers.dense({ name: 'second', units: 4 }),
    ],
  });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const pruning = await sparsify(model, byMagnitude(), {
    sparsity: 0.75,
    blockShape: [2, 2],
    totalSteps: 4,
    minimumBlocks: 1,
    overrides: { 'second/kernel': { sparsity: 0.5, blockShape: [1, 4] } },
  });
  const { pruned } = await pruning.finalize();
  // 16 · 0.25, and 8 · 0.5.
  expect(pruned.map(({ name, blocks, keptBlocks }) => [name, blocks, keptBlocks])).toEqual([
    ['first/kernel', 16, 4],
    ['second/kernel', 8, 4],
  ]);
});

describe('overrides are refused', () => {
  it.each([
    [{ b: { sparsity: 1 } }, 'The overrides of b: sparsity = 1 is not a number from 0 and under 1'],
    [
      { b: { sparsity: Number.NaN } },
      'The overrides of b: sparsity = NaN is not a number from 0 and under 1',
    ],
    [{ b: { blockShape: [0, 2] } }, 'The overrides of b: Block shape [0, 2] is not two whole numbers'],
    [{ b: { blockShape: [2] } }, 'The overrides of b: Block shape [2] is not two whole numbers'],
    [
      { b: { sparcity: 0.5 } },
      "The overrides of b have no field 'sparcity': they have sparsity and blockShape",
    ],
    [
      { 'b/kernel': { sparsity: 0.5 } },
      "There are overrides for 'b/kernel', which is no kernel here: those that are pruned are a, b, c",
    ],
    [
      { b: { blockShape: [11, 1] } },
      'There are overrides for b, which stays dense: a block is larger than its 10×40 matrix',
    ],
  ])('as %j', async (overrides, message) => {
    await expect(run(byMagnitude(), { overrides: overrides as Overrides })).rejects.toThrow(message);
  });

  it('for a kernel that was not chosen, and leave the variables free', async () => {
    const variables = { a: tf.variable(tf.ones([10, 10])), b: tf.variable(tf.ones([10, 10])) };
    const target = { sparsity: 0.5, blockShape: [1, 1] as Shape2D, totalSteps: 4, optimizer: null };
    const kernels = (name: string) => name === 'a';
    await expect(
      sparsify(variables, byMagnitude(), { ...target, kernels, overrides: { b: { sparsity: 0.5 } } }),
    ).rejects.toThrow('There are overrides for b, which stays dense: not chosen');
    const pruning = await sparsify(variables, byMagnitude(), { ...target, kernels });
    pruning.abandon();
  });
});
