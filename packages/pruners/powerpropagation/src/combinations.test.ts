/**
 * Every built-in parameterisation under every built-in search with every built-in importance: each is refused before
 * the first step, in one line, or trains, and moves its support where the data ask for it.
 */
import { acdc } from '@espalier/acdc';
import {
  alternating,
  alternatingWithSparsification,
  assertCombination,
  attention,
  frobenius,
  gradientNorm,
  keptBlocks,
  sparsify,
  type Importance,
  type Parameterisation,
  type Pruner,
  type Search,
} from '@espalier/core';
import { gmp } from '@espalier/gmp';
import { groupLasso, groupLassoParameterisation } from '@espalier/group-lasso';
import { iht } from '@espalier/iht';
import { l1Masks } from '@espalier/l1-masks';
import { magnitude } from '@espalier/magnitude';
import { omp, ompr } from '@espalier/omp';
import { random } from '@espalier/random';
import { rigl } from '@espalier/rigl';
import { sequentialAttention } from '@espalier/sequential-attention';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
import { softmaxAttentionPruning } from '@espalier/softmax-attention';
import { plainStr, str } from '@espalier/str';
import { structuredDst } from '@espalier/structured-dst';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { powerpropagation, powerpropagationParameterisation } from './index.js';

const plan = { warmUp: 0.2, cycles: 3, lastCycleExtension: 0, fineTuning: 0.2 };
const STEPS = 60;
const SWITCH = 0.3 * STEPS;
/** Blocks of 2 × 2. */
const SHAPE: [number, number] = [6, 8];
const BLOCKS = 12;

const parameterisations: Record<string, Parameterisation> = {
  identity: magnitude().parameterisation,
  // By the optimiser: before the goal changes, one without noise takes logits that travel past the bounds of attention, at
  // a density of a half, and there they have no gradient to turn by.
  'softmax attention': softmaxAttentionPruning({ temperature: 0.5, travel: 'optimizer' }).parameterisation,
  'attention over candidates': sequentialAttention().parameterisation,
  'block powerpropagation': powerpropagationParameterisation(),
  'elementwise powerpropagation': powerpropagationParameterisation({ form: 'elementwise' }),
  'soft threshold of blocks': str().parameterisation,
  'soft threshold of weights': str({ form: 'elementwise' }).parameterisation,
  'plain soft threshold of blocks': plainStr().parameterisation,
  'plain soft threshold of weights': plainStr({ form: 'elementwise' }).parameterisation,
  'group lasso': groupLassoParameterisation(0.05),
  'scalar masks': l1Masks().parameterisation,
  support: omp().parameterisation,
};

const searches: Record<string, Search> = {
  'one-shot': magnitude().search,
  gradual: gmp().search,
  alternating: acdc({ plan }).search,
  'alternating, masked': alternating(plan, { prunedWeights: 'masked' }),
  'alternating with sparsification': alternatingWithSparsification(plan),
  'the same, erased': alternatingWithSparsification(plan, { prunedWeights: 'erased' }),
  'hard thresholding': iht({ everySteps: 4 }).search,
  'hard thresholding after a dense phase': iht({ everySteps: 4, dense: 0.2 }).search,
  'forward selection': sequentialAttention({ rounds: 3 }).search,
  'matching pursuit': omp({ rounds: 3 }).search,
  'matching pursuit with replacement': ompr({ rounds: 3, swaps: 3 }).search,
  'drop and grow': rigl({ everySteps: 3 }).search,
  'drop and grow, constant fan-in': structuredDst({ everySteps: 3 }).search,
  'rising quantile': str().search,
  'sparse from the start': random({ dense: 0 }).search,
  'none, learned': groupLasso({ final: 'learned' }).search,
};

const importances: Record<string, Importance> = {
  'Frobenius norm': frobenius,
  'gradient norm': gradientNorm,
  attention: attention({ temperature: 0.5 }),
  'attention among candidates': sequentialAttention().importance,
  'mask magnitude': l1Masks().importance,
  'raw norm': str().importance,
  lot: random().importance,
};

/** Whether blocks that were pruned may come back. */
const returns = ({ phases, prunedWeights }: Search) =>
  prunedWeights === 'erased' || phases.some(({ name }, i) => name === 'dense' && i > 0);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** At first the left half of the blocks is asked for, and from the first sparse phase's end on the right half. */
function task() {
  const [rows, columns] = SHAPE;
  const noise = (i: number) => Math.sin(12.9898 * (i + 1));
  const of = (value: (i: number, left: boolean) => number) =>
    tf.tensor2d(
      Float32Array.from({ length: rows * columns }, (_, i) => value(i, i % columns < columns / 2)),
      SHAPE,
    );
  const goal = (onLeft: boolean) =>
    of((i, left) => 0.05 * noise(i + 100) + (left === onLeft ? 0.8 * Math.sign(noise(i)) : 0));
  return { start: of((i) => 0.3 * noise(i)), goals: [goal(true), goal(false)] as const };
}

/** The losses of a run, and its supports in order: the choices that leave out a block. */
async function train(pruner: Pruner) {
  const { start, goals } = task();
  const w = tf.variable(start);
  const optimizer = tf.train.sgd(0.5);
  const target = {
    sparsity: 0.5,
    blockShape: [2, 2],
    totalSteps: STEPS,
    minimumBlocks: 1,
    optimizer,
  } as const;
  const pruning = await sparsify({ w }, pruner, target);
  const kernel = pruning.kernels[0]!;
  const supports = new Set<string>();
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    if (keptBlocks(kernel.chosen) === BLOCKS / 2) supports.add(kernel.chosen.join(''));
    const goal = goals[step < SWITCH ? 0 : 1];
    const loss = () => pruning.weight('w').sub(goal).square().mean().mul(BLOCKS) as tf.Scalar;
    const value = optimizer.minimize(loss, true, [w, ...pruning.addedVariables])!;
    losses.push(value.dataSync()[0] as number);
    value.dispose();
    await pruning.step();
  }
  const kept = keptBlocks(kernel.chosen);
  await pruning.finalize();
  losses.push(w.sub(goals[1]).square().mean().mul(BLOCKS).dataSync()[0] as number);
  optimizer.dispose();
  tf.dispose([w, start, ...goals]);
  return { supports: [...supports], losses, kept };
}

/** Null where it fits, the reason in one line where not. */
function refusal(pruner: Pruner): string | null {
  try {
    assertCombination(pruner);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

describe.each(Object.entries(parameterisations))('%s', (_, parameterisation) => {
  it.each(Object.entries(searches))('under %s is refused, or trains', async (_, search) => {
    for (const [scoredBy, importance] of Object.entries(importances)) {
      const growth = search.needsGrowth ? { growth: gradientNorm } : {};
      const pruner: Pruner = { ...magnitude(), parameterisation, importance, search, ...growth };
      const reason = refusal(pruner);
      if (reason !== null) {
        expect(reason).toMatch(/^magnitude: the [^\n]+$/);
        continue;
      }
      const { supports, losses, kept } = await train(pruner);
      expect(losses.every(Number.isFinite), scoredBy).toBe(true);
      expect(Math.min(...losses.slice(SWITCH)), scoredBy).toBeLessThan(losses[SWITCH]!);
      if (search.final === 'learned') continue;
      expect(kept, scoredBy).toBe(BLOCKS / 2);
      // The lot is the same each time it is drawn.
      if (returns(search) && scoredBy !== 'lot') expect(supports.length, scoredBy).toBeGreaterThan(1);
    }
  });
});

it('refuses none of the built-in strategies, and the combinations that its rules are for', () => {
  const fits = (pruner: Pruner) => refusal(pruner) === null;
  const builtIn = [
    ...[acdc, gmp, groupLasso, iht, l1Masks, magnitude, omp, ompr, plainStr, powerpropagation, random, rigl],
    ...[sequentialAttention, sequentialAttentionPlusPlus, softmaxAttentionPruning, str, structuredDst],
  ].map((make) => make());
  expect(builtIn.filter((pruner) => !fits(pruner))).toEqual([]);
  expect(fits(groupLasso({ final: 'learned' }))).toBe(true);

  const power = powerpropagationParameterisation();
  expect(fits({ ...magnitude(), importance: attention() })).toBe(false);
  expect(fits({ ...iht(), parameterisation: power })).toBe(false);
  expect(
    fits({ ...acdc(), parameterisation: str().parameterisation, importance: l1Masks().importance }),
  ).toBe(false);
  expect(fits({ ...acdc(), parameterisation: power })).toBe(true);
  expect(fits({ ...rigl(), parameterisation: power })).toBe(true);
});

describe("the example of core's documentation, Powerpropagation under AC/DC", () => {
  it('moves its support, though AC/DC erases', async () => {
    const pruner: Pruner = {
      ...acdc({ plan }),
      parameterisation: powerpropagationParameterisation(),
    };
    expect(pruner.search.prunedWeights).toBe('erased');
    const { supports, losses } = await train(pruner);
    expect(supports.length).toBeGreaterThan(1);
    expect(losses.at(-1)).toBeLessThan(0.1);
  });

  it('is refused with the whole strategy in the place of its parameterisation, by types and before the first step', async () => {
    // @ts-expect-error: a strategy is no parameterisation
    const pruner: Pruner = { ...acdc({ plan }), parameterisation: powerpropagation() };
    await expect(train(pruner)).rejects.toThrow(
      'acdc: the parameterisation is a whole strategy, powerpropagation: take that part of it alone, ' +
        '{ parameterisation: powerpropagation.parameterisation }',
    );
  });
});
