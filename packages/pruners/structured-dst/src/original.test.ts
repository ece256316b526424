/**
 * Structured DST against the authors' program: `original/` has its inputs and results, and says where they come from.
 * The program loses the remainder of the fan-in where that does not divide, ours gives it to the most salient columns
 * and keeps the budget: a difference by design, which the tests name.
 */
import { readFileSync } from 'node:fs';

import { blockGrid, sparsify, type Choice, type Phase, type Pruner } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { constantFanIn, exchangeInColumns, leastSalience, salienceOf } from './exchange.js';
import { structuredDst } from './index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function original<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`original/${name}.json`, import.meta.url), 'utf8')) as T;
}

const bits = (mask: string) => Uint8Array.from(mask, Number);
const count = (mask: ArrayLike<number>) => Array.from(mask).reduce((sum, bit) => sum + bit, 0);

/** The values of the active entries at their places, zeros between. */
function spread(mask: string, active: readonly number[]): Float32Array {
  let next = 0;
  return Float32Array.from(mask, (bit) => (bit === '1' ? active[next++]! : 0));
}

function fanIns(mask: ArrayLike<number>, columns: number): number[] {
  return Array.from({ length: columns }, (_, column) =>
    count(Array.from(mask).filter((_bit, block) => block % columns === column)),
  );
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

/** The exchange as the program makes it, remainder lost: `budget` is what it shares among the columns that are left. */
function losingTheRemainder(choice: Choice, drop: number, gamma: number, fanIn: number, budget: number) {
  const salience = salienceOf(choice, drop);
  const least = leastSalience(gamma, fanIn, salience, choice);
  const left = salience.filter((salient) => salient >= least).length;
  const ofEach = constantFanIn(salience, left, Math.floor(budget / left) * left);
  return { least, ofEach, mask: exchangeInColumns(choice, drop, ofEach) };
}

interface Instance {
  gamma: number;
  shape: [number, number];
  keep: number;
  fanInBeforeAnyAblation: number;
  alpha: number;
  step: number;
  lastStep: number;
  drop: number;
  threshold: number;
  mask: string;
  weights: number[];
  gradient: number[];
  ablated: number[];
  newFanIn: number;
  remainder: number;
  newMask: string;
  newWeights: number[];
}

describe('an exchange as in src/rigl_torch/rigl_constant_fan.py', () => {
  const { instances } = original<{ instances: Instance[] }>('structured-dst-exchange');
  const named = instances.map((instance, i) => [i, instance.gamma, instance] as const);
  const divides = named.filter(([, , { remainder }]) => remainder === 0);
  const leavesOver = named.filter(([, , { remainder }]) => remainder > 0);

  const choiceOf = ({ shape, keep, mask, weights, gradient, step, lastStep }: Instance): Choice => ({
    seed: 1,
    grid: blockGrid(shape, [1, 1]),
    scores: spread(mask, weights).map(Math.abs),
    growthScores: gradient.map(Math.abs),
    chosen: bits(mask),
    candidates: new Uint8Array(mask.length).fill(1),
    keep,
    progress: step / lastStep,
  });

  it('is there for every γ, where the fan-in divides and where it does not', () => {
    expect(new Set(divides.map(([, gamma]) => gamma)).size).toBe(4);
    expect(new Set(leavesOver.map(([, gamma]) => gamma)).size).toBe(3); // Without ablation it always divides.
  });

  it.each(divides)('%d, γ = %d: the same entries, and grown weights of zero', async (_, gamma, instance) => {
    const { shape, keep, alpha, step, lastStep, mask, weights, gradient, newMask, newWeights } = instance;
    const [phase] = structuredDst({ alpha, minimumSalience: gamma }).search.phases;
    expect(phase?.choose?.(choiceOf(instance)).join('')).toBe(newMask);

    // The same in a run: of rate 0, so that the weights stay as given in the step before the exchange.
    const w = tf.tidy(() => tf.variable(tf.tensor2d(spread(mask, weights), shape)));
    const pruner = choosing(structuredDst({ everySteps: 2, alpha, minimumSalience: gamma }), (own, choice) =>
      choice.progress === 0 ? bits(mask) : own({ ...choice, progress: step / lastStep }),
    );
    const optimizer = tf.train.momentum(0, 0.9);
    const target = { sparsity: 1 - keep / mask.length, blockShape: [1, 1], minimumBlocks: 1 } as const;
    const pruning = await sparsify({ w }, pruner, { ...target, totalSteps: 8, optimizer });
    for (let i = 0; i < 2; i++) {
      const loss = () => pruning.weight('w').mul(tf.tensor2d(gradient, shape)).sum() as tf.Scalar;
      optimizer.minimize(loss, false, [w]);
      await pruning.step();
    }
    expect(pruning.kernels[0]!.mask.join('')).toBe(newMask);
    expectWithin(pruning.weight('w').dataSync(), spread(newMask, newWeights), 1e-7);
    await pruning.finalize();
  });

  it.each(leavesOver)(
    '%d, γ = %d: the same but for the remainder, which ours keeps',
    (_, gamma, instance) => {
      const { alpha, drop, keep, threshold, fanInBeforeAnyAblation, ablated, newFanIn, newMask } = instance;
      const choice = choiceOf(instance);
      const theirs = losingTheRemainder(choice, drop, gamma, fanInBeforeAnyAblation, keep);
      expect(theirs.least).toBe(threshold);
      expect(theirs.ofEach).toEqual(
        theirs.ofEach.map((_n, column) => (ablated.includes(column) ? 0 : newFanIn)),
      );
      expect(theirs.mask.join('')).toBe(newMask);

      const [phase] = structuredDst({ alpha, minimumSalience: gamma }).search.phases;
      const ours = phase!.choose!(choice);
      expect(count(ours)).toBe(keep);
      expect(bits(newMask).every((bit, entry) => bit <= ours[entry]!)).toBe(true);
      const counts = fanIns(ours, choice.grid.gridShape[1]);
      expect(counts.every((n, column) => (n === 0 ? ablated.includes(column) : n - newFanIn <= 1))).toBe(
        true,
      );
    },
  );
});

interface Training {
  settings: {
    layers: [number, number][];
    fanInBeforeAnyAblation: [number, number];
    lr: number;
    momentum: number;
    every: number;
    end: number;
    alpha: number;
  };
  batches: { x: number[]; y: number[] }[];
  initial: { weights: number[][] };
  runs: {
    gamma: number;
    exchanges: { iteration: number; alive: number[][]; threshold: number[]; masks: string[] }[];
    loss: number[];
    final: number[][];
  }[];
}

describe('a training with ablation', () => {
  const { settings, batches, initial, runs } = original<Training>('structured-dst-ablation');
  const { layers, fanInBeforeAnyAblation, every, end, alpha } = settings;
  const start = initial.weights
    .slice(0, 2)
    .map((weights) => Uint8Array.from(weights, (w) => Number(w !== 0)));
  const layerOf = ({ grid }: Choice) => start.findIndex(({ length }) => length === grid.blocks);

  async function train(run: Training['runs'][number], make: (own: Pruner) => Pruner) {
    const steps = run.loss.length;
    const variables = initial.weights.map((weights, i) => tf.variable(tf.tensor2d(weights, layers[i])));
    const [w1, w2, w3] = variables as [tf.Variable, tf.Variable, tf.Variable];
    const optimizer = tf.train.momentum(settings.lr, settings.momentum);
    const [first, second] = start.map((mask) => ({ sparsity: 1 - count(mask) / mask.length }));
    const own = structuredDst({ everySteps: every, until: end / steps, alpha, minimumSalience: run.gamma });
    const pruning = await sparsify({ w1, w2 }, make(own), {
      sparsity: 0.5,
      blockShape: [1, 1],
      totalSteps: steps,
      minimumBlocks: 1,
      overrides: { w1: first!, w2: second! },
      optimizer,
    });
    const losses: number[] = [];
    const masks: string[][] = [];
    for (let i = 0; i < steps; i++) {
      const { x, y } = batches[i % batches.length]!;
      const loss = () => {
        const hidden = tf.tensor2d(x, [8, 24]).matMul(pruning.weight('w1')).tanh();
        const out = hidden.matMul(pruning.weight('w2')).tanh().matMul(w3);
        return out
          .sub(tf.tensor2d(y, [8, 5]))
          .square()
          .sum()
          .div(16) as tf.Scalar;
      };
      losses.push(optimizer.minimize(loss, true, variables)!.dataSync()[0]!);
      await pruning.step();
      if (run.exchanges.some(({ iteration }) => iteration === i)) {
        masks.push(pruning.kernels.map(({ mask }) => mask.join('')));
      }
    }
    const weights = [pruning.weight('w1'), pruning.weight('w2'), w3].map((weight) => weight.dataSync());
    await pruning.finalize();
    return { losses, masks, weights };
  }

  const outputsLeft = (mask: string, layer: number) =>
    fanIns(bits(mask), layers[layer]![1]).flatMap((n, column) => (n > 0 ? [column] : []));

  it.each(runs.map((run) => [run.gamma, run] as const))(
    'at γ = %d, the remainder lost: outputs left, masks, losses and weights',
    async (gamma, run) => {
      const { losses, masks, weights } = await train(run, (own) =>
        choosing(own, (_, choice) => {
          const layer = layerOf(choice);
          if (choice.progress === 0) return start[layer]!;
          // What it drops and what is salient it counts on the entries that are left, the fan-in on the first ones.
          const present = { ...choice, keep: count(choice.chosen) };
          const drop = Math.floor(present.keep * (alpha / 2) * (1 + Math.cos(Math.PI * choice.progress)));
          const { least, mask } = losingTheRemainder(
            present,
            drop,
            gamma,
            fanInBeforeAnyAblation[layer]!,
            choice.keep,
          );
          expect(least).toBe(run.exchanges[0]!.threshold[layer]);
          return mask;
        }),
      );
      expect(masks).toEqual(run.exchanges.map((exchange) => exchange.masks));
      expectWithin(losses, run.loss, 1e-4);
      weights.forEach((weight, layer) => {
        const mask = run.exchanges.at(-1)!.masks[layer];
        expectWithin(weight, mask ? spread(mask, run.final[layer]!) : run.final[layer]!, 1e-5);
      });
    },
  );

  it.each(runs.map((run) => [run.gamma, run] as const))(
    'at γ = %d, the remainder kept, as is ours: as many outputs left at every exchange',
    async (_, run) => {
      const { masks } = await train(run, (own) =>
        choosing(own, (next, choice) => (choice.progress === 0 ? start[layerOf(choice)]! : next(choice))),
      );
      const ours = masks.map((pair) => pair.map((mask, layer) => outputsLeft(mask, layer).length));
      expect(ours).toEqual(run.exchanges.map(({ alive }) => alive.map(({ length }) => length)));
      for (const pair of masks)
        pair.forEach((mask, layer) => expect(count(bits(mask))).toBe(count(start[layer]!)));
    },
  );
});
