import { DivergedError } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

import { erdosRenyiKernel, global, type Allocation } from '../allocation.js';
import { exponential } from '../search/curves.js';
import type { Pruner } from '../pruner.js';
import { alternating } from '../search/alternating.js';
import { alternatingWithSparsification } from '../search/alternating-with-sparsification.js';
import { gradual } from '../search/gradual.js';
import { oneShot } from '../search/one-shot.js';
import { densePhase, sparsePhase, type Search } from '../search/phases.js';
import { sparsify, type VariablePruning } from './sparsify.js';
import type { Target } from './target.js';
import {
  byAttention,
  byMagnitude,
  naiveMeanSquares,
  naiveNorms,
  naiveTopK,
  randomTensor,
  shortPlan,
  strategies,
  values,
  zeroOutside,
} from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** A run over variables of these shapes, of values from a seed. */
async function run(shapes: readonly [number, number][], pruner: Pruner, target: Partial<Target> = {}) {
  const variables = Object.fromEntries(
    shapes.map((shape, i) => [`w${i}`, tf.tidy(() => tf.variable(randomTensor(shape, i + 1)))]),
  );
  const pruning = await sparsify(variables, pruner, {
    sparsity: 0.5,
    blockShape: [2, 2],
    totalSteps: 20,
    minimumBlocks: 1,
    optimizer: null,
    ...target,
  });
  return { variables, pruning };
}

/** What an optimiser might do: all new values for everything that trains. */
function shake(pruning: VariablePruning, seed: number): void {
  const trained = [...pruning.kernels.map(({ variable }) => variable), ...pruning.addedVariables];
  trained.forEach((variable, i) =>
    tf.tidy(() => variable.assign(randomTensor(variable.shape, 100 * seed + i))),
  );
}

const masks = (pruning: VariablePruning) => pruning.kernels.map(({ mask }) => [...mask]);
const counted = (mask: readonly number[]) => mask.reduce((a, b) => a + b, 0);

describe('the masks of a run', () => {
  const share = fc.integer({ min: 1, max: 5 });
  const split = fc.record({ sparsification: share, sparse: share, dense: share });
  const plan = fc.record({
    warmUp: fc.constantFrom(0.1, 0.15, 0.2),
    cycles: fc.integer({ min: 1, max: 3 }),
    lastCycleExtension: fc.constantFrom(0, 0.05, 0.1),
    fineTuning: fc.constantFrom(0.1, 0.15, 0.2),
  });
  const search: fc.Arbitrary<Search> = fc.oneof(
    plan.map((own) => alternating(own)),
    fc
      .tuple(plan, split, fc.constantFrom(0.5, 4, 10))
      .map(([own, parts, c]) => alternatingWithSparsification(own, { split: parts, curve: exponential(c) })),
    fc.constantFrom(oneShot(), gradual(), gradual({ start: 0, end: 1, everySteps: 3 })),
  );
  const size = fc.integer({ min: 2, max: 9 });

  it('revive no block in a sparsification phase, never change in a sparse one, keep all in a dense one, and k at the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        search,
        fc.array(fc.tuple(size, size), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(0, 0.1, 0.5, 0.9, 0.999),
        fc.boolean(),
        async (plan, shapes, sparsity, attended) => {
          const pruner = attended ? byAttention(plan) : byMagnitude(plan);
          const totalSteps = 60;
          const { pruning } = await run(shapes, pruner, { sparsity, totalSteps });
          const k = shapes.map(([n, m]) => {
            const blocks = Math.ceil(n / 2) * Math.ceil(m / 2);
            return Math.max(1, Math.round((blocks * Math.round(1000 - 1000 * sparsity)) / 1000)); // In whole numbers.
          });
          let [phase, before] = [pruning.phase, masks(pruning)];
          for (let step = 1; step <= totalSteps; step++) {
            shake(pruning, step);
            await pruning.step();
            const now = masks(pruning);
            now.forEach((mask, i) => {
              const old = before[i] as number[];
              const entered = pruning.phase !== phase;
              if (pruning.phase === 'dense') expect(mask).not.toContain(0);
              if (pruning.phase === 'sparse' && !entered) expect(mask).toEqual(old);
              if (pruning.phase === 'sparse') expect(counted(mask)).toBe(k[i]);
              if (pruning.phase !== 'dense')
                expect(mask.some((bit, b) => bit > (old[b] as number))).toBe(false);
            });
            [phase, before] = [pruning.phase, now];
          }
          const { pruned, achieved } = await pruning.finalize();
          expect(pruned.map(({ keptBlocks }) => keptBlocks)).toEqual(k);
          expect(pruned.map(({ targetBlocks }) => targetBlocks)).toEqual(k);
          const blocks = pruned.reduce((sum, own) => sum + own.blocks, 0);
          expect(achieved.prunedLayers).toBeCloseTo(1 - counted(k) / blocks, 12);
          tf.disposeVariables();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('are the top k by norm on entering a sparse phase, ragged edges included', async () => {
    const { pruning, variables } = await run([[5, 7]], byMagnitude(oneShot({ dense: 0.5 })), {
      blockShape: [2, 3],
      sparsity: 0.6,
    });
    for (let step = 1; step <= 10; step++) {
      expect(pruning.phase).toBe('dense');
      shake(pruning, step);
      await pruning.step();
    }
    const means = naiveMeanSquares(values(variables['w0'] as tf.Variable), [5, 7], [2, 3]);
    expect(pruning.phase).toBe('sparse');
    expect(masks(pruning)).toEqual([naiveTopK(means, 4)]); // 9 · 0.4 = 3.6
  });

  it('keep of a ragged last column of blocks about as much as of the others, where all weights are alike', async () => {
    // 10 outputs in blocks of 4 × 4: 16 × 3 blocks, those of the last column half as large. By the plain norm they
    // would be the smallest nearly all.
    const kept = [0, 0, 0];
    for (let seed = 1; seed <= 20; seed++) {
      const w = tf.tidy(() => tf.variable(tf.randomNormal([64, 10], 0, 1, 'float32', seed)));
      const search = { ...oneShot(), phases: [sparsePhase(1)] };
      const target = { sparsity: 0.5, blockShape: [4, 4], totalSteps: 1, minimumBlocks: 1 } as const;
      const pruning = await sparsify({ w }, byMagnitude(search), { ...target, optimizer: null });
      masks(pruning)[0]!.forEach((bit, block) => (kept[block % 3]! += bit));
      await pruning.finalize();
      w.dispose();
    }
    expect(kept.reduce((a, b) => a + b)).toBe(20 * 24);
    for (const count of kept) expect(count / (20 * 16)).toBeGreaterThan(0.4);
  });

  it('compare kernels by their weights under a global allocation, whatever the size of their blocks', async () => {
    // Weights of 1 in blocks of 4 × 4, of norm 4, and of 2 in blocks of 1 × 1, of norm 2.
    const variables = { coarse: tf.variable(tf.ones([8, 8])), fine: tf.variable(tf.fill([4, 4], 2)) };
    const pruning = await sparsify(variables, byMagnitude({ ...oneShot(), phases: [sparsePhase(1)] }), {
      sparsity: 0.15,
      blockShape: [4, 4],
      totalSteps: 1,
      minimumBlocks: 1,
      allocation: global,
      overrides: { fine: { blockShape: [1, 1] } },
      optimizer: null,
    });
    expect(pruning.kernels.map(({ kept }) => kept)).toEqual([1, 16]); // 17 of 20 blocks.
    await pruning.finalize();
  });

  it('follow the curve of SequentialAttention++, s (1 − e^(−4t)) / (1 − e^(−4)), through a sparsification phase', async () => {
    // 10 × 10 blocks, 5 dense steps, a sparsification phase of 10 and 5 sparse ones. At t = i / 10 and s = 0.9:
    const plan = { warmUp: 0.25, cycles: 1, lastCycleExtension: 0, fineTuning: 0.25 };
    const { pruning } = await run([[10, 10]], byAttention(alternatingWithSparsification(plan)), {
      blockShape: [1, 1],
      sparsity: 0.9,
    });
    const kept: number[] = [];
    for (let step = 1; step <= 20; step++) {
      kept.push(counted(masks(pruning)[0] as number[]));
      shake(pruning, step);
      await pruning.step();
    }
    const expected = Array.from({ length: 10 }, (_, i) =>
      Math.round(100 - (90 * (1 - Math.exp(-0.4 * i))) / (1 - Math.exp(-4))),
    );
    expect(kept).toEqual([...Array(5).fill(100), ...expected, ...Array(5).fill(10)]);
  });

  it('prune by attention, not by magnitude, where attention scores', async () => {
    const { pruning } = await run([[2, 8]], byAttention(oneShot()), { totalSteps: 2 });
    const [kernel] = pruning.kernels;
    kernel?.variable.assign(tf.tensor2d([1, 1, 2, 2, 3, 3, 4, 4, 1, 1, 2, 2, 3, 3, 4, 4], [2, 8]));
    pruning.addedVariables[0]?.assign(tf.tensor2d([[2, 1, -1, -2]]));
    await pruning.step();
    expect(masks(pruning)).toEqual([[1, 1, 0, 0]]);
  });

  it('keep one block when one is left', async () => {
    const { pruning, variables } = await run([[8, 8]], byMagnitude(), { sparsity: 0.999 });
    const report = await pruning.finalize();
    expect(report.pruned[0]).toMatchObject({ blocks: 16, keptBlocks: 1, targetBlocks: 1, prunedWeights: 60 });
    const norms = naiveNorms(values(randomTensor([8, 8], 1)), [8, 8], [2, 2]);
    expect(values(variables['w0'] as tf.Variable)).toEqual(
      zeroOutside(values(randomTensor([8, 8], 1)), naiveTopK(norms, 1), [8, 8], [2, 2]).map((w) =>
        expect.closeTo(w, 6),
      ),
    );
  });

  it('under global allocation are the top k of all kernels together', async () => {
    const shapes: [number, number][] = [
      [4, 4],
      [8, 8],
    ];
    const { pruning } = await run(shapes, byMagnitude(oneShot()), {
      allocation: global,
      sparsity: 0.6,
      totalSteps: 2,
    });
    await pruning.step();
    const norms = shapes.map((shape, i) => naiveNorms(values(randomTensor(shape, i + 1)), shape, [2, 2]));
    const expected = naiveTopK(norms.flat(), 8); // 20 blocks · 0.4
    expect(masks(pruning)).toEqual([expected.slice(0, 4), expected.slice(4)]);
    const report = await pruning.finalize();
    expect(report.pruned.reduce((sum, { keptBlocks }) => sum + keptBlocks, 0)).toBe(8);
  });

  it('under Erdős–Rényi allocation keep each kernel to its own density', async () => {
    // Blocks of one: Σ/Π is 20/100 = 0.2 and 50/400 = 0.125; ε = 250 / (100 · 0.2 + 400 · 0.125) = 25/7; densities
    // 0.714286 and 0.446429: 71 and 179 (178.57) blocks.
    const { pruning } = await run(
      [
        [10, 10],
        [10, 40],
      ],
      byMagnitude(oneShot()),
      {
        allocation: erdosRenyiKernel,
        blockShape: [1, 1],
        totalSteps: 2,
      },
    );
    const report = await pruning.finalize();
    expect(report.pruned.map(({ keptBlocks }) => keptBlocks)).toEqual([71, 179]);
  });

  it.each([
    ['uniform', undefined],
    ['global', global],
    ['Erdős–Rényi', erdosRenyiKernel],
  ] as [string, Allocation?][])(
    'stay as they are at the end of a run under %s allocation',
    async (_, allocation) => {
      const { pruning } = await run(
        [
          [8, 8],
          [6, 4],
        ],
        byMagnitude(),
        { totalSteps: 4, ...(allocation && { allocation }) },
      );
      for (let step = 1; step <= 4; step++) await pruning.step();
      const last = masks(pruning);
      shake(pruning, 1);
      await pruning.finalize();
      expect(masks(pruning)).toEqual(last);
    },
  );

  it('refuse to be chosen by NaN', async () => {
    const { pruning } = await run([[4, 4]], byMagnitude(), { totalSteps: 2 });
    pruning.kernels[0]?.variable.assign(tf.fill([4, 4], Number.NaN));
    await expect(pruning.step()).rejects.toThrow(DivergedError);
  });

  it('refuse scores of another shape than the grid, naming the importance and both shapes', async () => {
    const importance = { name: 'wrong', score: () => tf.zeros<tf.Rank.R2>([3, 1]) };
    const { pruning } = await run([[4, 4]], { ...byMagnitude(), importance }, { totalSteps: 2 });
    await expect(pruning.step()).rejects.toThrow(
      'wrong scored w0 with shape [3, 1], not one score a block, [2, 2]',
    );
  });
});

describe('the weights of a block that leaves the mask', () => {
  const sparseThenDense = (prunedWeights: Search['prunedWeights']): Search => ({
    name: 'sparse then dense',
    phases: [sparsePhase(0.4), densePhase(0.4), sparsePhase(0.2)],
    prunedWeights,
  });

  it.each(['masked', 'erased'] as const)(
    'when %s come back as they should in a dense phase',
    async (prunedWeights) => {
      const { pruning } = await run([[4, 4]], byMagnitude(sparseThenDense(prunedWeights)), { totalSteps: 5 });
      const plain = values(randomTensor([4, 4], 1));
      const expected = naiveTopK(naiveNorms(plain, [4, 4], [2, 2]), 2);
      const pruned = zeroOutside(plain, expected, [4, 4], [2, 2]);
      expect(values(tf.tidy(() => pruning.weight('w0')))).toEqual(pruned);
      await pruning.step();
      await pruning.step();
      expect(pruning.phase).toBe('dense');
      expect(values(pruning.weight('w0'))).toEqual(prunedWeights === 'masked' ? plain : pruned);
    },
  );
});

describe('the optimiser', () => {
  class Forgetful extends tf.SGDOptimizer {
    resets: number[] = [];
    stepsDone = () => 0;
    resetState(): void {
      this.resets.push(this.stepsDone());
    }
  }

  it.each([
    // Dense to 4, then sparse and dense in turn to 7, 10, 13 and 16: into a dense phase alone.
    ['AC/DC', alternating(shortPlan), [7, 13]],
    // Of 20 steps: dense to 4; sparsification, sparse and dense to 6, 8 and 10; sparsification to 16; sparse.
    ['SequentialAttention++', alternatingWithSparsification(shortPlan), [4, 6, 8, 10, 16]],
    ['a one-shot search', oneShot(), [10]],
  ])('is reset at the start, where %s says so, and at the end', async (_, search, switches) => {
    const optimizer = new Forgetful(0.1);
    const { pruning } = await run([[4, 4]], byMagnitude(search), { optimizer });
    optimizer.stepsDone = () => pruning.stepsDone;
    expect(optimizer.resets).toEqual([0]);
    for (let step = 1; step <= 20; step++) await pruning.step();
    await pruning.finalize();
    expect(optimizer.resets).toEqual([0, ...switches, 20]);
  });
});

describe('the state of a run', () => {
  /** A run on Σ (W − target)² with momentum, its steps and all that it consists of. */
  async function momentumRun(pruner: Pruner) {
    const optimizer = tf.train.momentum(0.05, 0.9);
    const { pruning, variables } = await run(
      [
        [6, 6],
        [4, 10],
      ],
      pruner,
      { optimizer },
    );
    const targets = Object.entries(variables).map(
      ([name, { shape }], i) => [name, randomTensor(shape as number[], 50 + i)] as const,
    );
    const trained = [...Object.values(variables), ...pruning.addedVariables];
    const loss = () =>
      targets.reduce(
        (sum, [name, target]) => sum.add(pruning.weight(name).sub(target).square().sum()),
        tf.scalar(0),
      ) as tf.Scalar;
    const steps = async (count: number) => {
      for (let i = 0; i < count; i++) {
        optimizer.minimize(loss, false, trained);
        await pruning.step();
      }
    };
    return { pruning, optimizer, trained, steps };
  }

  // SequentialAttention++ is in a sparsification phase after 13 steps of 20, AC/DC enters a dense one.
  it.each(Object.entries(strategies))(
    'under %s, restored in another run, goes on bit by bit as the first',
    async (_, pruner) => {
      const [first, second] = [await momentumRun(pruner), await momentumRun(pruner)];
      await first.steps(13);
      second.trained.forEach((variable, i) => variable.assign((first.trained[i] as tf.Variable).clone()));
      await second.optimizer.setWeights(await first.optimizer.getWeights());
      const stored = JSON.parse(JSON.stringify(first.pruning.state()));
      second.pruning.restore(stored);
      expect(second.pruning.state()).toEqual(first.pruning.state());
      expect(second.pruning.phase).toBe(first.pruning.phase);
      await first.steps(7);
      await second.steps(7);
      expect(second.trained.map(values)).toEqual(first.trained.map(values));
      expect(await second.pruning.finalize()).toEqual(await first.pruning.finalize());
    },
  );

  it('is plain data: the step, and of each kernel the blocks kept', async () => {
    const { pruning } = await run([[4, 4]], byMagnitude(gradual({ start: 0, end: 1 })), { totalSteps: 4 });
    expect(pruning.state()).toEqual({ step: 0, masks: { w0: [0, 1, 2, 3] } });
    expect(pruning.sparsity).toBe(0);
    pruning.restore({ step: 3, masks: { w0: [1, 2] } });
    expect(masks(pruning)).toEqual([[0, 1, 1, 0]]);
    expect(pruning).toMatchObject({ sparsity: 0.5, stepsDone: 3 });
  });

  it('is refused when it is of a longer run or of other kernels, and nothing changes', async () => {
    const { pruning } = await run([[4, 4]], byMagnitude(), { totalSteps: 4 });
    const bad = (state: Parameters<typeof pruning.restore>[0]) => () => pruning.restore(state);
    expect(bad({ step: 5, masks: { w0: [0] } })).toThrow('A state at step 5 is not of a run of 4 steps');
    expect(bad({ step: 1, masks: {} })).toThrow('The state has no mask for the 4 blocks of w0');
    expect(bad({ step: 1, masks: { w0: [4] } })).toThrow('The state has no mask for the 4 blocks of w0');
    expect(pruning.state()).toEqual({ step: 0, masks: { w0: [0, 1, 2, 3] } });
  });
});

describe('the proximal step of a parameterisation', () => {
  const seen = (told: unknown[], search?: Search): Pruner => ({
    ...byMagnitude(search),
    parameterisation: {
      name: 'halved',
      trainables: () => ({ scale: tf.scalar(1) }),
      buffers: () => ({ steps: tf.scalar(0) }),
      proximal: (raw, { name, trainables, buffers }, { stepSize, share }) => {
        told.push([name, ...stepSize().dataSync(), ...stepSize('scale').dataSync(), share]);
        trainables['scale']?.assign(trainables['scale'].add(1));
        buffers['steps']?.assign(buffers['steps'].add(1));
        return raw.mul(0.5);
      },
    },
  });

  it("is told how far the optimiser's step goes and the share of the target at each step, and may assign", async () => {
    const optimizer = tf.train.sgd(0.25);
    const told: unknown[] = [];
    // Dense for two steps, then two of a cubic, 0 and 1 − (1/2)³, then one sparse.
    const search = gradual({ start: 0.4, end: 0.8 });
    const { pruning, variables } = await run([[4, 4]], seen(told, search), { optimizer, totalSteps: 5 });
    const start = values(variables['w0'] as tf.Variable);
    for (let step = 0; step < 5; step++) await pruning.step();
    expect(told).toEqual([0, 0, 0, 0.875, 1].map((share) => ['w0', 0.25, 0.25, expect.closeTo(share, 12)]));
    expect(values(variables['w0'] as tf.Variable)).toEqual(start.map((w) => w / 32));
    const [kernel] = pruning.kernels;
    expect(kernel?.trainables['scale']?.dataSync()[0]).toBe(6);
    expect(kernel?.buffers['steps']?.dataSync()[0]).toBe(5);
  });

  it('is told it for each weight of the matrix, or number of a trainable, where it is another for each', async () => {
    const shapes: unknown[] = [];
    const asks: Pruner = {
      ...byMagnitude(),
      parameterisation: {
        name: 'asking',
        trainables: () => ({ scale: tf.ones([2]) }),
        elementwise: (raw, { scale }) => raw.mul(scale!.sum()),
        proximal: (raw, _kernel, { stepSize }) => {
          shapes.push([stepSize().shape, stepSize('scale').shape]);
          expect(() => stepSize('other')).toThrow("asking trains no 'other'");
          return raw;
        },
      },
    };
    const optimizer = tf.train.adam(0.1);
    const kernel = tf.variable(tf.ones([3, 3, 2, 4]));
    const pruning = await sparsify({ kernel }, asks, {
      sparsity: 0.5,
      blockShape: [2, 2],
      totalSteps: 4,
      optimizer,
      minimumBlocks: 1,
    });
    optimizer.minimize(() => pruning.weight('kernel').sum() as tf.Scalar);
    await pruning.step();
    expect(shapes).toEqual([[[18, 4], [2]]]);
  });

  it('refuses to go on without an optimiser, once it asks for it, and says what to do', async () => {
    const { pruning } = await run([[4, 4]], seen([]));
    await expect(pruning.step()).rejects.toThrow(
      "by-magnitude takes a proximal step and needs to know how far the optimizer's own goes: pass it to sparsify()",
    );
  });
});

describe('a finalized run', () => {
  it('refuses another step, another end and a state to go on from', async () => {
    const { pruning } = await run([[4, 4]], byAttention());
    const state = pruning.state();
    await pruning.finalize();
    const message = 'This pruning run has ended: start another with sparsify()';
    await expect(pruning.step()).rejects.toThrow(message);
    await expect(pruning.finalize()).rejects.toThrow(message);
    expect(() => pruning.restore(state)).toThrow(message);
  });

  it('gives the plain variables for weights, and adds none to train', async () => {
    const { pruning, variables } = await run([[4, 4]], byAttention());
    await pruning.finalize();
    expect(pruning.weight('w0')).toBe(variables['w0']);
    expect(pruning.addedVariables).toEqual([]);
  });

  it('that ends early is pruned to the target by the scores it has', async () => {
    const { pruning, variables } = await run([[8, 8]], byMagnitude(oneShot({ dense: 0.9 })), {
      sparsity: 0.75,
    });
    const plain = values(variables['w0'] as tf.Variable);
    await pruning.step();
    const { achieved } = await pruning.finalize();
    const expected = naiveTopK(naiveNorms(plain, [8, 8], [2, 2]), 4);
    expect(achieved.prunedLayers).toBe(0.75);
    expect(values(variables['w0'] as tf.Variable)).toEqual(zeroOutside(plain, expected, [8, 8], [2, 2]));
  });

  it.each(['in its dense phase', 'at its end'])(
    '%s, keeps the weights that the network computed with',
    async (when) => {
      const parameterisation: Pruner['parameterisation'] = {
        name: 'scale by the number of choices',
        buffers: () => ({ choices: tf.scalar(0) }),
        elementwise: (raw, _trainables, { buffers }) => raw.mul(buffers['choices'] as tf.Tensor),
        afterChoice: ({ buffers }) => buffers['choices']?.assign(buffers['choices'].add(1)),
      };
      const { pruning, variables } = await run(
        [[4, 4]],
        { ...byMagnitude(), parameterisation },
        { totalSteps: 4 },
      );
      const steps = when === 'at its end' ? 4 : 1;
      for (let step = 0; step < steps; step++) await pruning.step();
      const before = values(tf.tidy(() => pruning.weight('w0')));
      await pruning.finalize();
      const mask = masks(pruning)[0] as number[];
      expect(counted(mask)).toBe(2);
      expect(values(variables['w0'] as tf.Variable)).toEqual(zeroOutside(before, mask, [4, 4], [2, 2]));
    },
  );

  it('that has done all its steps lets more pass without changing anything, and can be stored still', async () => {
    const { pruning } = await run([[4, 4]], byMagnitude(), { totalSteps: 2 });
    for (let step = 0; step < 2; step++) await pruning.step();
    const state = pruning.state();
    for (let step = 0; step < 3; step++) await pruning.step();
    expect(pruning.state()).toEqual(state);
    pruning.restore(state);
    expect(pruning).toMatchObject({ phase: 'sparse', stepsDone: 2 });
    await pruning.finalize();
  });
});
