/**
 * Powerpropagation, elementwise, against the authors' notebook: `original/` has its inputs and results, and says where
 * they come from.
 */
import { readFileSync } from 'node:fs';

import { sparsePhase, sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { powerpropagation } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Original {
  elementwise: {
    u: number[];
    upstream: number[];
    results: {
      alpha: number;
      v: number[];
      effective: number[];
      gradV: number[];
      gradAtZero: number | null;
      masks: Record<string, string>;
    }[];
  };
  settings: { layers: [number, number][]; lr: number };
  batches: { x: number[]; y: number[] }[];
  initial: { u: [number[], number[]] };
  runs: { alpha: number; loss: number[]; effective: number[][]; masksKeepQuarter: string[] }[];
}

const { elementwise, settings, batches, initial, runs } = JSON.parse(
  readFileSync(new URL('original/powerpropagation.json', import.meta.url), 'utf8'),
) as Original;

function expectWithin(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const off = Array.from(expected, (value, i) => Math.abs(actual[i]! - value));
  expect(Math.max(...off)).toBeLessThanOrEqual(tolerance);
}

const target = { blockShape: [1, 1], minimumBlocks: 1, totalSteps: 30 } as const;

/** Pruned before the first step: the mask of the weights that there are. */
const atOnce = { name: 'at once', phases: [sparsePhase(1)], prunedWeights: 'masked' } as const;

describe.each(elementwise.results.map((result) => [result.alpha, result] as const))(
  'at α = %d',
  (alpha, { v, effective, gradV, gradAtZero, masks }) => {
    const shape: [number, number] = [6, 5];
    const pruner = powerpropagation({ alpha, form: 'elementwise' });

    it('starts from V, and has the effective weight and the gradient by V', async () => {
      const w = tf.variable(tf.tensor2d(elementwise.u, shape));
      const pruning = await sparsify({ w }, pruner, { ...target, sparsity: 0.5, optimizer: null });
      expectWithin(w.dataSync(), v, 1e-6);
      expectWithin(
        tf.tidy(() => pruning.weight('w').dataSync()),
        effective,
        1e-6,
      );
      const gradientBy = (upstream: tf.Tensor) =>
        tf.tidy(() => {
          const loss = () => pruning.weight('w').mul(upstream).sum() as tf.Scalar;
          return tf.variableGrads(loss, [w]).grads[w.name]!.dataSync();
        });
      expectWithin(gradientBy(tf.tensor2d(elementwise.upstream, shape)), gradV, 5e-6);
      // Zero at V = 0, where the original's is NaN for α < 2 (null): a difference by design.
      w.assign(tf.zeros(shape));
      expect(gradAtZero === null).toBe(alpha < 2);
      expect(gradientBy(tf.ones(shape)).every((value) => value === (gradAtZero ?? 0))).toBe(true);
      pruning.abandon();
    });

    it.each(Object.entries(masks))(
      'keeps of a share of %s the largest effective weights',
      async (share, mask) => {
        const w = tf.variable(tf.tensor2d(elementwise.u, shape));
        const kept = Math.floor(Number(share) * mask.length + 1e-9);
        const settled = { ...pruner, search: atOnce };
        const pruning = await sparsify({ w }, settled, {
          ...target,
          sparsity: 1 - kept / mask.length,
          optimizer: null,
        });
        expect(pruning.kernels[0]!.mask.join('')).toBe(mask);
        await pruning.finalize();
      },
    );
  },
);

describe('a training', () => {
  it.each(runs.map((run) => [run.alpha, run] as const))(
    'at α = %d: losses, weights, and the quarter of largest weights',
    async (alpha, run) => {
      const [w1, w2] = initial.u.map((u, i) => tf.variable(tf.tensor2d(u, settings.layers[i]))) as [
        tf.Variable,
        tf.Variable,
      ];
      const optimizer = tf.train.sgd(settings.lr);
      // Dense until after the last step, so that the quarter is chosen of what it left.
      const pruner = powerpropagation({ alpha, form: 'elementwise', dense: 30 / 31 });
      const pruning = await sparsify({ w1, w2 }, pruner, {
        ...target,
        sparsity: 0.75,
        totalSteps: 31,
        optimizer,
      });
      for (const [step, expected] of run.loss.entries()) {
        const { x, y } = batches[step % batches.length]!;
        const loss = () => {
          const hidden = tf.tensor2d(x, [8, 12]).matMul(pruning.weight('w1')).relu();
          const error = hidden.matMul(pruning.weight('w2')).sub(tf.tensor2d(y, [8, 4]));
          return error.square().sum().div(16) as tf.Scalar;
        };
        const value = optimizer.minimize(loss, true, [w1, w2])!.dataSync()[0]!;
        expect(Math.abs(value - expected)).toBeLessThan(2e-5);
        if (step === run.loss.length - 1) {
          ['w1', 'w2'].forEach((name, i) =>
            expectWithin(
              tf.tidy(() => pruning.weight(name).dataSync()),
              run.effective[i]!,
              1e-5,
            ),
          );
        }
        await pruning.step();
      }
      expect(pruning.kernels.map(({ mask }) => mask.join(''))).toEqual(run.masksKeepQuarter);
      await pruning.finalize();
    },
  );
});
