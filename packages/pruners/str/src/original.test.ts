/**
 * Plain STR, elementwise, against the authors' program: `original/` has its inputs and results, and says where they come
 * from. `str`, which is controlled, is ours and has no original.
 */
import { readFileSync } from 'node:fs';

import { sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { plainStr } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Original {
  elementwise: {
    g: 'sigmoid' | 'exp';
    sigma: number;
    v: number[];
    upstream: number[];
    w: number[];
    gradV: number[];
    gradSigma: number;
  }[];
  settings: { layers: [number, number][] };
  batches: { x: number[]; y: number[] }[];
  initial: { V: [number[], number[]] };
  runs: {
    sigma0: number;
    momentum: number;
    weightDecay: number;
    lr: number;
    steps: { loss: number; sigma: number[]; zeros: number[] }[];
    final: { W: number[][]; threshold: number[] };
  }[];
}

const { elementwise, settings, batches, initial, runs } = JSON.parse(
  readFileSync(new URL('original/str-training.json', import.meta.url), 'utf8'),
) as Original;

function expectWithin(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const off = Array.from(expected, (value, i) => Math.abs(actual[i]! - value));
  expect(Math.max(...off)).toBeLessThanOrEqual(tolerance);
}

const target = { sparsity: 0.5, blockShape: [1, 1], minimumBlocks: 1 } as const;

describe('the function sign(V) relu(|V| − g(σ))', () => {
  it.each(elementwise.map((example) => [example.g, example.sigma, example] as const))(
    'by the %s of σ = %d has the values and gradients of sparseFunction',
    async (g, sigma, { v, upstream, w, gradV, gradSigma }) => {
      const weight = tf.variable(tf.ones([v.length, 1]));
      const pruner = plainStr({ form: 'elementwise', g, sigma });
      const pruning = await sparsify({ weight }, pruner, { ...target, totalSteps: 4, optimizer: null });
      weight.assign(tf.tensor2d(v, [v.length, 1]));
      expectWithin(
        tf.tidy(() => pruning.weight('weight').dataSync()),
        w,
        1e-6,
      );
      const [σ] = pruning.addedVariables as [tf.Variable];
      const { grads } = tf.variableGrads(
        () =>
          pruning
            .weight('weight')
            .mul(tf.tensor2d(upstream, [v.length, 1]))
            .sum() as tf.Scalar,
        [weight, σ],
      );
      expectWithin(grads[weight.name]!.dataSync(), gradV, 1e-6);
      expectWithin(grads[σ.name]!.dataSync(), [gradSigma], 1e-6);
      pruning.abandon();
    },
  );
});

describe('a training with weight decay on V and σ', () => {
  it.each(runs.map((run) => [run.sigma0, run] as const))(
    'from σ = %d: losses, thresholds, zeros and weights',
    async (sigma, { momentum, weightDecay, lr, steps, final }) => {
      const [w1, w2] = initial.V.map((v, i) => tf.variable(tf.tensor2d(v, settings.layers[i]))) as [
        tf.Variable,
        tf.Variable,
      ];
      const optimizer = momentum ? tf.train.momentum(lr, momentum) : tf.train.sgd(lr);
      const pruner = plainStr({ form: 'elementwise', sigma });
      const pruning = await sparsify({ w1, w2 }, pruner, { ...target, totalSteps: steps.length, optimizer });
      [w1, w2].forEach((v, i) => v.assign(tf.tensor2d(initial.V[i]!, settings.layers[i])));
      const trained = [w1, w2, ...pruning.addedVariables];
      const effective = () => ['w1', 'w2'].map((name) => tf.tidy(() => pruning.weight(name).dataSync()));
      for (const [step, { loss: expected, sigma: σ, zeros }] of steps.entries()) {
        const { x, y } = batches[step % batches.length]!;
        const loss = () => {
          const hidden = tf.tensor2d(x, [8, 12]).matMul(pruning.weight('w1')).relu();
          const error = hidden.matMul(pruning.weight('w2')).sub(tf.tensor2d(y, [8, 4]));
          return error.square().sum().div<tf.Scalar>(16);
        };
        // The gradient of λ/2 ‖p‖² is λ p.
        const decay = () => tf.addN(trained.map((p) => p.square().sum())).mul<tf.Scalar>(weightDecay / 2);
        expect(Math.abs(tf.tidy(() => loss().dataSync()[0]!) - expected)).toBeLessThan(2e-5);
        optimizer.minimize(() => loss().add(decay()), false, trained);
        await pruning.step();
        expectWithin(
          pruning.addedVariables.map((variable) => variable.dataSync()[0]!),
          σ,
          1e-5,
        );
        expect(effective().map((weights) => weights.filter((w) => w === 0).length)).toEqual(zeros);
      }
      effective().forEach((weights, layer) => expectWithin(weights, final.W[layer]!, 1e-5));
      const thresholds = pruning.addedVariables.map((variable) => tf.sigmoid(variable).dataSync()[0]!);
      expectWithin(thresholds, final.threshold, 1e-6);
      await pruning.finalize();
    },
  );
});
