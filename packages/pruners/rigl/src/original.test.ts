/**
 * RigL against the authors' program, and the PyTorch one that the authors of structured DST build on: `original/` has
 * their inputs and results, and says where they come from.
 */
import { readFileSync } from 'node:fs';

import { blockGrid, sparsePhase, sparsify, type Choice, type Phase, type Pruner } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { rigl } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function original<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`original/${name}.json`, import.meta.url), 'utf8')) as T;
}

interface Instance {
  kind: string;
  shape: [number, number];
  keep: number;
  alpha: number;
  step: number;
  lastStep: number;
  drop: number;
  mask: string;
  weights: number[];
  gradient: number[];
  newMask: string;
  newWeights: number[];
  grown: number[];
}

const bits = (mask: string) => Uint8Array.from(mask, Number);

/** The values of the active entries at their places, zeros between. */
function spread(mask: string, active: readonly number[]): Float32Array {
  let next = 0;
  return Float32Array.from(mask, (bit) => (bit === '1' ? active[next++]! : 0));
}

/** A strategy's search, with another way to choose in its first phase. */
function choosing(
  pruner: Pruner,
  choose: (own: (choice: Choice) => Uint8Array, choice: Choice) => Uint8Array,
) {
  const [first, ...rest] = pruner.search.phases as [Phase, ...Phase[]];
  const phases = [{ ...first, choose: (choice: Choice) => choose(first.choose!, choice) }, ...rest];
  return { ...pruner, search: { ...pruner.search, phases } };
}

function expectWithin(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const off = Array.from(expected, (value, i) => Math.abs(actual[i]! - value));
  expect(Math.max(...off)).toBeLessThanOrEqual(tolerance);
}

describe("an exchange as in google's rigl_tf2/mask_updaters.py", () => {
  const { instances } = original<{ instances: Instance[] }>('rigl-exchange');
  /** Of fewer than four blocks ours drops one where ⌊k · fraction⌋ is none, so that they do not stay for good. */
  const isOurs = ({ keep, drop }: Instance) => keep < 4 && drop === 0;

  it('is there in every kind, the one that is ours by design also', () => {
    expect(new Set(instances.map(({ kind }) => kind)).size).toBe(6);
    expect(instances.filter(isOurs).map(({ kind, keep }) => [kind, keep])).toEqual([
      ['varied', 3],
      ['none dropped', 2],
    ]);
  });

  it.each(instances.map((instance, i) => [`${i}, ${instance.kind}`, instance] as const))(
    '%s: which entries drop and grow, their weights, and which slots are cleared',
    async (_, instance) => {
      const { shape, keep, alpha, step, lastStep, mask, weights, gradient } = instance;
      const { newMask, newWeights, grown } = instance;
      const w = tf.tidy(() => tf.variable(tf.tensor2d(spread(mask, weights), shape)));
      const g = tf.tensor2d(gradient, shape);
      // Of rate 0: the weights stay as given in the one step before the exchange, which fills the slots.
      const optimizer = tf.train.momentum(0, 0.9);
      const pruner = choosing(rigl({ everySteps: 2, alpha }), (own, choice) =>
        choice.progress === 0 ? bits(mask) : own({ ...choice, progress: step / lastStep }),
      );
      const pruning = await sparsify({ w }, pruner, {
        sparsity: 1 - keep / mask.length,
        blockShape: [1, 1],
        totalSteps: 8,
        minimumBlocks: 1,
        optimizer,
      });
      for (let i = 0; i < 2; i++) {
        optimizer.minimize(() => pruning.weight('w').mul(g).sum() as tf.Scalar, false, [w]);
        await pruning.step();
      }
      const [kernel] = pruning.kernels;
      const slots = (await optimizer.getWeights())[1]!.tensor.dataSync();
      const ours = kernel!.mask.join('');
      if (isOurs(instance)) {
        const dropped = Array.from(mask).filter((bit, i) => bit === '1' && ours[i] === '0').length;
        expect([ours === mask, newMask === mask, dropped]).toEqual([false, true, 1]);
        return;
      }
      expect(ours).toBe(newMask);
      expectWithin(kernel!.effective().dataSync(), spread(newMask, newWeights), 1e-7);
      // v = g under the mask after one step; 0 in what was grown.
      const expected = gradient.map((value, i) => (mask[i] === '1' && !grown.includes(i) ? value : 0));
      expectWithin(slots, expected, 1e-6);
      expect(grown.every((i) => mask[i] === '0' && ours[i] === '1')).toBe(true);
      await pruning.finalize();
      tf.dispose([w, g]);
      optimizer.dispose();
    },
  );

  it('clears no more and no fewer slots than those of the grown, which had moved before they were dropped', async () => {
    // At step 2 entry 1 is dropped, with a velocity, and 2 is grown; at 4 nothing else has the gradient to take the
    // place of 2, the smallest; at 6 entry 1 has.
    const w = tf.variable(tf.tensor2d([[2, 0.5, 0, 3]]));
    const gradients = [
      [1, 1, 0, 1],
      [0, 0, 9, 0],
      [1, 1, 1, 1],
      [0, 0, 9, 9],
      [1, 1, 1, 1],
      [0, 9, 8, 0],
    ];
    const optimizer = tf.train.momentum(0.01, 0.9);
    const pruner = choosing(rigl({ everySteps: 2, alpha: 0.5 }), (own, choice) =>
      choice.progress === 0 ? Uint8Array.of(1, 1, 0, 1) : own({ ...choice, progress: 1e-9 }),
    );
    const target = { sparsity: 0.25, blockShape: [1, 1], totalSteps: 12, minimumBlocks: 1 } as const;
    const pruning = await sparsify({ w }, pruner, { ...target, optimizer });
    const seen: (readonly [string, number[]])[] = [];
    for (const gradient of gradients) {
      const loss = () =>
        pruning
          .weight('w')
          .mul(tf.tensor2d([gradient]))
          .sum() as tf.Scalar;
      optimizer.minimize(loss, false, [w]);
      await pruning.step();
      const slots = (await optimizer.getWeights())[1]!.tensor.dataSync();
      seen.push([pruning.kernels[0]!.mask.join(''), Array.from(slots)]);
    }
    const velocities = seen.map(([, slots]) => slots);
    expect(seen.map(([mask]) => mask)).toEqual(['1101', '1011', '1011', '1011', '1011', '1101']);
    expectWithin(velocities[1]!, [1, 1, 0, 1], 1e-6); // No step is taken in an exchange.
    expectWithin(velocities[2]!, [1.9, 0.9, 1, 1.9], 1e-6);
    expectWithin(velocities[4]!, [2.71, 0.81, 1.9, 2.71], 1e-6);
    expectWithin(velocities[5]!, [2.71, 0, 1.9, 2.71], 1e-6); // Only 1 was grown.
    await pruning.finalize();
  });
});

interface Training {
  settings: { layers: [number, number][]; lr: number; every: number; end: number; alpha: number };
  batches: { x: number[]; y: number[] }[];
  initial: { weights: number[][]; masks: string[] };
  runs: {
    program: 'google' | 'torch';
    momentum: number;
    iterations: { batch: number; loss: number }[];
    exchanges: { iteration: number; step: number; masks: string[]; weights?: number[][] }[];
    final: { masks: string[]; weights: number[][] };
  }[];
}

describe('a training', () => {
  const { settings, batches, initial, runs } = original<Training>('rigl-training');
  const { layers, every, end, alpha } = settings;

  const startingMask = ({ grid }: Choice) =>
    bits(initial.masks.find(({ length }) => length === grid.blocks)!);

  /** The PyTorch program counts every iteration, as the paper's Algorithm 1 and ours. */
  function torch(iterations: number): Pruner {
    const pruner = rigl({ everySteps: every, until: end / iterations, alpha });
    return choosing(pruner, (own, choice) => (choice.progress === 0 ? startingMask(choice) : own(choice)));
  }

  /**
   * Google's does not count those of exchanges, of which the first is at once: exchanges are `every + 1` iterations
   * apart, from the first to the one at `end`, where nothing drops any more.
   */
  function google(iterations: number): Pruner {
    const { search, ...pruner } = rigl({ everySteps: every, alpha });
    const exchange = (choice: Choice) => search.phases[0]!.choose!(choice);
    const counted = (end / every) * (every + 1);
    const sparse = (steps: number): Phase => ({
      ...sparsePhase(steps / iterations),
      candidates: 'all',
      selection: 'at start',
      resetsOptimizer: false,
    });
    const phases: Phase[] = [
      { ...sparse(1), choose: startingMask },
      {
        ...sparse(counted),
        selection: { everySteps: every + 1 },
        inPlaceOfStep: true,
        choose: (choice) => exchange({ ...choice, progress: Math.max(choice.progress, 1e-12) }),
      },
      { ...sparse(iterations - 1 - counted), inPlaceOfStep: true, choose: ({ chosen }) => chosen },
    ];
    return { ...pruner, search: { ...search, phases } };
  }

  it.each(runs.map((run) => [run.program, run.momentum, run] as const))(
    'as the program of %s makes it with momentum %d: losses, masks at every exchange, and weights',
    async (program, momentum, run) => {
      const iterations = run.iterations.length;
      const [w1, w2] = initial.weights.map((weights, i) => tf.variable(tf.tensor2d(weights, layers[i]))) as [
        tf.Variable,
        tf.Variable,
      ];
      const optimizer = momentum ? tf.train.momentum(settings.lr, momentum) : tf.train.sgd(settings.lr);
      const density = (mask: string) => bits(mask).reduce((sum, bit) => sum + bit, 0) / mask.length;
      const [first, second] = initial.masks.map((mask) => ({ sparsity: 1 - density(mask) }));
      const pruning = await sparsify({ w1, w2 }, { torch, google }[program](iterations), {
        sparsity: 0.5,
        blockShape: [1, 1],
        totalSteps: iterations,
        minimumBlocks: 1,
        overrides: { w1: first!, w2: second! },
        optimizer,
      });
      const masks = () => pruning.kernels.map(({ mask }) => mask.join(''));
      const effective = () => pruning.kernels.map((kernel) => tf.tidy(() => kernel.effective().dataSync()));
      let exchanges = 0;
      for (const [i, { batch, loss: expected }] of run.iterations.entries()) {
        const { x, y } = batches[batch]!;
        const loss = () => {
          const hidden = tf.tensor2d(x, [8, 12]).matMul(pruning.weight('w1')).relu();
          const error = hidden.matMul(pruning.weight('w2')).sub(tf.tensor2d(y, [8, 4]));
          return error.square().sum().div(16) as tf.Scalar;
        };
        const exchange = run.exchanges[exchanges]?.iteration === i ? run.exchanges[exchanges++]! : null;
        expect(pruning.leavesOutStep).toBe(exchange !== null);
        expect(Math.abs(optimizer.minimize(loss, true, [w1, w2])!.dataSync()[0]! - expected)).toBeLessThan(
          2e-5,
        );
        await pruning.step();
        if (!exchange) continue;
        expect(masks()).toEqual(exchange.masks);
        exchange.weights?.forEach((weights, k) =>
          expectWithin(effective()[k]!, spread(exchange.masks[k]!, weights), 1e-5),
        );
      }
      expect(exchanges).toBe(run.exchanges.length);
      expect(masks()).toEqual(run.final.masks);
      run.final.weights.forEach((weights, k) =>
        expectWithin(effective()[k]!, spread(run.final.masks[k]!, weights), 1e-5),
      );
      await pruning.finalize();
    },
  );

  it('has the exchanges of either program where the file says', () => {
    const steps = runs.map(({ exchanges }) => exchanges.map(({ step }) => step));
    expect(steps).toEqual([
      [0, 5, 10, 15, 20, 25, 30],
      [0, 5, 10, 15, 20, 25, 30],
      [5, 10, 15, 20, 25],
      [5, 10, 15, 20, 25],
    ]);
    expect(blockGrid(layers[0]!, [1, 1]).blocks).toBe(initial.masks[0]!.length);
  });
});
