/**
 * Gradual magnitude pruning against TensorFlow's Model Optimization Toolkit: `original/` has its inputs and results, and
 * says where they come from.
 */
import { readFileSync } from 'node:fs';

import { sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { gmp } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Original {
  counts: {
    begin: number;
    end: number;
    every: number;
    finalSparsity: number;
    steps: number;
    kept: Record<string, number[]>;
  }[];
  training: {
    lr: number;
    begin: number;
    end: number;
    every: number;
    finalSparsity: number;
    steps: number;
    shape: [number, number];
    w0: number[];
    gradient: number[];
    factors: number[];
    masks: { step: number; kept: number; mask: string }[];
    returned: number;
    finalWeights: number[];
  }[];
}

const { counts, training } = JSON.parse(
  readFileSync(new URL('original/gmp-schedule.json', import.meta.url), 'utf8'),
) as Original;

const target = { blockShape: [1, 1], minimumBlocks: 1 } as const;

describe('the entries that are left at every step', () => {
  it.each(counts)(
    'from $begin to $end of $steps steps, every $every, to $finalSparsity, are as many',
    async ({ begin, end, every, finalSparsity, steps, kept }) => {
      const sizes = Object.keys(kept).map(Number);
      const variables = Object.fromEntries(
        sizes.map((size) => [String(size), tf.tidy(() => tf.variable(tf.randomNormal([size, 1])))]),
      );
      const pruner = gmp({ start: begin / steps, end: end / steps, everySteps: every });
      const whole = { ...target, sparsity: finalSparsity, totalSteps: steps, optimizer: null };
      const pruning = await sparsify(variables, pruner, whole);
      const seen = sizes.map(() => [] as number[]);
      for (let step = 0; step < steps; step++) {
        pruning.kernels.forEach((kernel, i) => seen[i]!.push(kernel.kept));
        await pruning.step();
      }
      expect(seen).toEqual(sizes.map((size) => kept[size]));
      await pruning.finalize();
    },
  );
});

describe('a training by given gradients', () => {
  async function train({
    lr,
    begin,
    end,
    every,
    finalSparsity,
    steps,
    ...given
  }: Original['training'][number]) {
    const { shape, w0, gradient, factors } = given;
    const w = tf.variable(tf.tensor2d(w0, shape));
    const optimizer = tf.train.sgd(lr);
    const pruner = gmp({ start: begin / steps, end: end / steps, everySteps: every });
    const whole = { ...target, sparsity: finalSparsity, totalSteps: steps, optimizer };
    const pruning = await sparsify({ w }, pruner, whole);
    const masks: { step: number; kept: number; mask: string }[] = [];
    for (let step = 0; step < steps; step++) {
      const { kept, mask } = pruning.kernels[0]!;
      const now = { step, kept, mask: mask.join('') };
      if (masks.at(-1)?.mask !== now.mask) masks.push(now);
      const slope = tf.tensor2d(gradient, shape).mul(factors[step]!);
      optimizer.minimize(() => pruning.weight('w').mul(slope).sum() as tf.Scalar, false, [w]);
      await pruning.step();
    }
    await pruning.finalize();
    return { masks, weights: w.dataSync() };
  }

  const numbered = training.map((run, i) => [i, run] as const);

  it.each(numbered.filter(([, { returned }]) => returned === 0))(
    '%d, in which nothing returns, has the same masks at every step, and the same weights',
    async (_, run) => {
      const { masks, weights } = await train(run);
      expect(masks).toEqual(run.masks);
      run.finalWeights.forEach((weight, i) => expect(Math.abs(weights[i]! - weight)).toBeLessThan(1e-6));
    },
  );

  // There, what was pruned takes its own step from zero, competes with that, and may return; in ours it stays pruned,
  // as in the paper (Zhu & Gupta, arXiv 1710.01878 §3).
  it.each(numbered.filter(([, { returned }]) => returned > 0))(
    '%d, in which some return, has as many at every step, the same ones until the first returns, and none of ours returns',
    async (_, run) => {
      const { masks } = await train(run);
      for (const { step, kept } of run.masks) {
        expect(masks.findLast((now) => now.step <= step)?.kept).toBe(kept);
      }
      const returns = run.masks.findIndex(
        ({ mask }, i) => i > 0 && [...mask].some((bit, entry) => bit > run.masks[i - 1]!.mask[entry]!),
      );
      expect(returns).toBeGreaterThan(1);
      expect(masks.slice(0, returns)).toEqual(run.masks.slice(0, returns));
      const revived = masks.some(
        ({ mask }, i) => i > 0 && [...mask].some((bit, entry) => bit > masks[i - 1]!.mask[entry]!),
      );
      expect(revived).toBe(false);
    },
  );
});
