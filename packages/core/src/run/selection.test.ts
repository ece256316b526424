/** Choices under an allocation by scores, where the counts of kernels move between them. */
import { keptBlocks } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { global } from '../allocation.js';
import type { Pruner } from '../pruner.js';
import { forwardSelection } from '../search/forward-selection.js';
import { densePhase, type Search } from '../search/phases.js';
import { byMagnitude, randomValues, values } from '../test-support.js';
import { KernelState } from './kernel-state.js';
import { sparsify } from './sparsify.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Scored by numbers of its own, which the tests assign. */
function byOwnScores(search: Search): Pruner {
  return {
    ...byMagnitude(search),
    parameterisation: {
      name: 'identity',
      trainables: ({ grid }) => ({ scores: tf.zeros([...grid.gridShape]) }),
      elementwise: (raw, { scores }) => raw.add(scores!.sum().mul(0)),
    },
    importance: {
      name: 'own',
      needs: ['scores'],
      score: ({ trainables }) => trainables['scores'] as tf.Tensor2D,
    },
  };
}

async function run(search: Search, sparsity: number, totalSteps: number) {
  const variables = { a: tf.variable(tf.ones([1, 6])), b: tf.variable(tf.ones([1, 6])) };
  const pruning = await sparsify(variables, byOwnScores(search), {
    sparsity,
    blockShape: [1, 1],
    totalSteps,
    minimumBlocks: 1,
    optimizer: null,
    allocation: global,
  });
  const score = (...own: number[][]) =>
    own.forEach((numbers, i) =>
      tf.tidy(() => pruning.kernels[i]!.trainables['scores']!.assign(tf.tensor2d([numbers]))),
    );
  const chosen = () =>
    pruning.kernels.map((kernel) => [...kernel.chosen].flatMap((bit, b) => (bit ? [b] : [])));
  return { pruning, score, chosen, variables };
}

const search = (settings = {}) =>
  forwardSelection({ warmUp: 0.1, rounds: 2, fineTuning: 0.2, joinBy: 'importance', ...settings });

describe('forward selection under global allocation', () => {
  it('gives blocks up where a kernel may keep fewer than it has chosen', async () => {
    const { pruning, score, chosen } = await run(search(), 0.5, 10); // 6 of 12 blocks; rounds end at steps 4.5 and 8
    score([9, 8, 7, 6, 5, 4], [3, 2, 1, 0, 0, 0]); // a keeps 5 and b 1
    while (chosen()[0]!.length === 0 || pruning.stepsDone === 0) await pruning.step();
    const first = chosen();
    expect(first).toEqual([[0, 1, 2], [0]]); // ⌈5 / 2⌉ and ⌈1 / 2⌉
    score([3, 1, 2, 0, 0, 0], [9, 8, 7, 6, 5, 4]); // a keeps 1 and b 5
    while (pruning.phase !== 'sparse') await pruning.step();
    expect(chosen()).toEqual([[0], [0, 1, 2, 3, 4]]);
  });

  it('never chooses more than the budget, whatever the scores do', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { pruning, score } = await run(search({ rounds: 4, swaps: 2 }), 0.5, 30);
      for (let step = 0; step < 29; step++) {
        score([...randomValues(6, 100 * seed + step)], [...randomValues(6, 1000 + 100 * seed + step)]);
        const [before] = [pruning.phase];
        await pruning.step();
        if (before === 'dense' && pruning.phase === 'dense') continue;
        const kept = pruning.kernels.reduce((sum, kernel) => sum + keptBlocks(kernel.chosen), 0);
        expect(kept).toBeLessThanOrEqual(6);
      }
      const { pruned } = await pruning.finalize();
      expect(pruned.map(({ keptBlocks: kept }) => kept).reduce((a, b) => a + b)).toBe(6);
    }
  });

  it('that ends early fills up from what is active, in all kernels together', async () => {
    const { pruning, score } = await run(search(), 0.5, 10);
    score([9, 8, 7, 6, 5, 4], [3, 2, 1, 0, 0, 0]);
    for (let step = 0; step < 6; step++) await pruning.step();
    const { pruned } = await pruning.finalize();
    expect(pruned.map(({ keptBlocks: kept }) => kept)).toEqual([5, 1]);
  });

  it('keeps to what was chosen, where that is enough in all, though one kernel’s share has moved', async () => {
    const { pruning, score, chosen } = await run(search(), 0.5, 10);
    score([9, 8, 7, 6, 5, 4], [3, 2, 1, 0, 0, 0]);
    while (pruning.phase !== 'sparse') await pruning.step();
    score([1, 1, 1, 1, 1, 1], [9, 9, 9, 9, 9, 9]);
    await pruning.finalize();
    expect(chosen().map(({ length }) => length)).toEqual([5, 1]);
  });
});

it('a sparsity that is learned is reported beside the target that the scores share, not their order', async () => {
  const learned: Search = {
    name: 'none',
    phases: [densePhase(1)],
    prunedWeights: 'masked',
    final: 'learned',
  };
  const { pruning, score, variables } = await run(learned, 0.5, 4);
  score([1, 2, 3, 0, 0, 0], [9, 8, 7, 6, 5, 4]);
  await pruning.step();
  const { pruned } = await pruning.finalize();
  expect(pruned.map(({ targetBlocks }) => targetBlocks)).toEqual([1, 5]);
  expect(pruned.map(({ keptBlocks: kept }) => kept)).toEqual([6, 6]);
  expect(values(variables.a)).toEqual(Array(6).fill(1));
});

describe('a strategy that writes into the mask that it is given, and returns it', () => {
  it.each(['all', 'kept'] as const)('chooses anew all the same, among %s', async (candidates) => {
    // Another block of two at every step, in the array of the last choice.
    const exchanging: Search = {
      name: 'in place',
      prunedWeights: 'masked',
      phases: [
        {
          name: 'exchange',
          length: 1,
          curve: () => 1,
          candidates,
          selection: { everySteps: 1 },
          choose: ({ chosen, candidates: allowed }) => {
            const [first] = chosen;
            allowed.fill(0);
            chosen.fill(0);
            chosen[first ? 1 : 0] = 1;
            return chosen;
          },
        },
      ],
    };
    const w = tf.variable(tf.ones([1, 4]));
    const before = tf.memory().numTensors;
    const pruning = await sparsify({ w }, byMagnitude(exchanging), {
      sparsity: 0.75,
      blockShape: [1, 1],
      totalSteps: 4,
      minimumBlocks: 1,
      optimizer: null,
    });
    for (let step = 0; step < 4; step++) {
      const mask = [...pruning.kernels[0]!.mask];
      expect(mask).toEqual(step % 2 ? [1, 0, 0, 0] : [0, 1, 0, 0]);
      expect(tf.tidy(() => values(pruning.weight('w')))).toEqual(mask);
      await pruning.step();
    }
    pruning.abandon();
    expect(tf.memory().numTensors).toBe(before);
    w.dispose();
  });

  it('and a choice that is written into after it was put back is another one', () => {
    const w = tf.variable(tf.ones([1, 4]));
    const source = { name: 'w', variable: w, kind: 'other' } as const;
    const kernel = new KernelState(source, [1, 1], 0.5, { name: 'plain' }, { prunedWeights: 'masked' });
    const mask = Uint8Array.of(1, 0, 0, 0);
    kernel.restoreChoice(mask);
    mask.set([0, 1]);
    expect([...kernel.mask]).toEqual([1, 0, 0, 0]);
    kernel.restoreChoice(mask);
    expect(tf.tidy(() => values(kernel.effective()))).toEqual([0, 1, 0, 0]);
    kernel.finalize();
    w.dispose();
  });
});
