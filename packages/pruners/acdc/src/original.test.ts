/** AC/DC against the authors' program: `original/` has its inputs and results, and says where they come from. */
import { readFileSync } from 'node:fs';

import { global, placePhases, sparsify, uniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { acdc } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Original {
  plans: { name: 'cifar10' | 'imagenet'; epochs: number; switches: { epoch: number; to: string }[] }[];
  settings: { lr: number; sparsity: number; warmUpSteps: number; layers: [number, number][] };
  batches: { x: number[]; labels: number[] }[];
  initial: { weights: [number[], number[]] };
  runs: {
    allocation: 'global' | 'uniform';
    momentum: number;
    switches: { step: number; to: string }[];
    kept: { step: number; kept: number[] }[];
    weights: { afterSteps: number; W1: number[]; W2: number[] }[];
    loss: number[];
  }[];
}

const { plans, settings, batches, initial, runs } = JSON.parse(
  readFileSync(new URL('original/acdc-training.json', import.meta.url), 'utf8'),
) as Original;

function expectWithin(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const off = Array.from(expected, (value, i) => Math.abs(actual[i]! - value));
  expect(Math.max(...off)).toBeLessThanOrEqual(tolerance);
}

describe('the phases', () => {
  it.each(plans.map((plan) => [plan.name, plan] as const))(
    'of %s change in the epochs that the authors configured',
    (name, { epochs, switches }) => {
      const placed = placePhases(acdc({ plan: name }).search.phases, epochs);
      const changes = placed.slice(1).map(({ start, phase }) => ({ epoch: start, to: phase.name }));
      expect(changes).toEqual(switches);
    },
  );
});

describe('a training of 60 steps and five switches', () => {
  it.each(runs.map((run) => [run.allocation, run.momentum, run] as const))(
    'under the %s allocation, with momentum %d: blocks, losses and weights',
    async (allocation, momentum, run) => {
      const steps = run.loss.length;
      const [w1, w2] = initial.weights.map((weights, i) =>
        tf.variable(tf.tensor2d(weights, settings.layers[i])),
      ) as [tf.Variable, tf.Variable];
      // Dense to 8, then sparse and dense for 8 each, and sparse from 40 on.
      const plan = { warmUp: 8 / steps, cycles: 2, lastCycleExtension: 0, fineTuning: 20 / steps };
      const optimizer = momentum ? tf.train.momentum(settings.lr, momentum) : tf.train.sgd(settings.lr);
      const pruning = await sparsify({ w1, w2 }, acdc({ plan }), {
        sparsity: settings.sparsity,
        blockShape: [1, 1],
        totalSteps: steps,
        minimumBlocks: 1,
        allocation: { global, uniform }[allocation],
        optimizer,
      });
      const placed = placePhases(pruning.pruner.search.phases, steps);
      const switches = placed.slice(1).map(({ start, phase }) => ({ step: start, to: phase.name }));
      expect(switches).toEqual(run.switches);
      for (let step = 0; step < steps; step++) {
        const { x, labels } = batches[step % batches.length]!;
        const loss = () => {
          const logits = tf
            .tensor2d(x, [8, 12])
            .matMul(pruning.weight('w1'))
            .relu()
            .matMul(pruning.weight('w2'));
          return tf.losses.softmaxCrossEntropy(
            tf.oneHot(tf.tensor1d(labels, 'int32'), 4),
            logits,
          ) as tf.Scalar;
        };
        const value = optimizer.minimize(loss, true, [w1, w2])!.dataSync()[0]!;
        expect(Math.abs(value - run.loss[step]!)).toBeLessThan(1e-5);
        const after = run.weights.find(({ afterSteps }) => afterSteps === step + 1);
        if (after) {
          expectWithin(pruning.weight('w1').dataSync(), after.W1, 1e-5);
          expectWithin(pruning.weight('w2').dataSync(), after.W2, 1e-5);
        }
        await pruning.step();
        const kept = run.kept.find((entry) => entry.step === step + 1);
        if (kept) expect(pruning.kernels.map((kernel) => kernel.kept)).toEqual(kept.kept);
      }
      await pruning.finalize();
      expectWithin(w1.dataSync(), run.weights.find(({ afterSteps }) => afterSteps === steps)!.W1, 1e-5);
    },
  );
});
