/**
 * Masks by magnitude, of single weights and of blocks, against JaxPruner: `original/` has its inputs and results, and
 * says where they come from.
 */
import { readFileSync } from 'node:fs';

import { allocations, sparsePhase, sparsify, type AllocationName, type Target } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { magnitude } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Tensors<T> = Readonly<Record<string, T>>;

interface Original {
  shapes: Tensors<number[]>;
  weights: Tensors<number[]>;
  oneShot: { allocation: AllocationName; sparsity: number; kept: Tensors<number>; masks: Tensors<string> }[];
  blocks: {
    shape: [number, number];
    block: [number, number];
    ragged: boolean;
    sparsity: number;
    weights: number[];
    blockMaskOfSquares: string;
  }[];
}

const { shapes, weights, oneShot, blocks } = JSON.parse(
  readFileSync(new URL('original/magnitude-masks.json', import.meta.url), 'utf8'),
) as Original;

/** The masks of these tensors, pruned before the first step. */
async function masksOf(
  tensors: Tensors<tf.Variable>,
  target: Partial<Target>,
): Promise<Record<string, string>> {
  const atOnce = { name: 'at once', phases: [sparsePhase(1)], prunedWeights: 'masked' } as const;
  const pruning = await sparsify(
    tensors,
    { ...magnitude(), search: atOnce },
    { sparsity: 0.5, blockShape: [1, 1], totalSteps: 1, minimumBlocks: 1, ...target, optimizer: null },
  );
  const masks = Object.fromEntries(pruning.kernels.map(({ name, mask }) => [name, mask.join('')]));
  await pruning.finalize();
  tf.dispose(Object.values(tensors));
  return masks;
}

const count = (mask: string) => mask.replaceAll('0', '').length;

describe('single weights of four tensors', () => {
  async function ours(allocation: AllocationName, sparsity: number) {
    const tensors = Object.entries(weights).map(
      ([name, values]) => [name, tf.variable(tf.tensor(values, shapes[name]))] as const,
    );
    return masksOf(Object.fromEntries(tensors), { sparsity, allocation: allocations[allocation] });
  }

  const by = (allocation: AllocationName) => oneShot.filter((one) => one.allocation === allocation);

  it.each(by('uniform'))('at $sparsity, uniform: the same masks', async ({ allocation, sparsity, masks }) => {
    expect(await ours(allocation, sparsity)).toEqual(masks);
  });

  // They round the share of each tensor, of what is dense first; ours comes out an entry off in three tensors at 0.9.
  it.each(by('erdos-renyi-kernel'))(
    'at $sparsity, Erdős–Rényi kernel: the same masks, but for an entry in three tensors at 0.9',
    async ({ allocation, sparsity, masks, kept }) => {
      const mine = await ours(allocation, sparsity);
      const off = Object.keys(masks).filter((name) => mine[name] !== masks[name]);
      expect(off).toHaveLength(sparsity === 0.9 ? 3 : 0);
      for (const name of off) {
        expect(count(mine[name]!)).toBe(kept[name]! - 1);
        expect([...mine[name]!].every((bit, i) => bit <= masks[name]![i]!)).toBe(true);
      }
    },
  );

  // A global choice may leave a tensor without a weight, and nothing passes; ours keeps one at least.
  it.each(by('global'))(
    'at $sparsity, global: the same masks, but that no tensor is emptied',
    async ({ allocation, sparsity, masks, kept }) => {
      const mine = await ours(allocation, sparsity);
      const emptied = Object.keys(kept).filter((name) => kept[name] === 0);
      expect(emptied).toEqual(sparsity >= 0.9 ? ['dense'] : []);
      for (const name of emptied) expect(count(mine[name]!)).toBe(1);
      const total = (all: Tensors<string>) => Object.values(all).reduce((sum, mask) => sum + count(mask), 0);
      expect(total(mine)).toBe(total(masks));
      // What is kept there is missing elsewhere.
      const lost = Object.keys(masks).reduce(
        (sum, name) => sum + [...masks[name]!].filter((bit, i) => bit > mine[name]![i]!).length,
        0,
      );
      expect(lost).toBe(emptied.length);
    },
  );
});

describe('blocks', () => {
  it('are of sizes that divide and of others', () => {
    expect(new Set(blocks.map(({ ragged }) => ragged)).size).toBe(2);
  });

  it.each(blocks)(
    'of $block in $shape at $sparsity are those of largest mean square',
    async ({ shape, block, sparsity, weights: values, blockMaskOfSquares }) => {
      const w = tf.variable(tf.tensor2d(values, shape));
      const { w: mask } = await masksOf({ w }, { sparsity, blockShape: block });
      expect(mask).toBe(blockMaskOfSquares);
    },
  );
});
