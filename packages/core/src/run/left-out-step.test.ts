/** Choices that take the place of an optimiser step: that nothing moves then, and what is forgotten after. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { gradientNorm } from '../importances.js';
import { identity } from '../parameterisations.js';
import type { Pruner } from '../pruner.js';
import { dropAndGrow } from '../search/drop-and-grow.js';
import { byMagnitude, naiveTopK, randomTensor, values } from '../test-support.js';
import type { PruningState } from './state.js';
import { sparsify, type ModelPruning } from './sparsify.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const EVERY = 3;
const TOTAL = 12;

/** The first half of the blocks at first; at every exchange, those of largest gradient. */
function byGradient(): Pruner {
  return {
    ...byMagnitude(
      dropAndGrow({
        everySteps: EVERY,
        until: 0.75,
        alpha: 0.5,
        start: ({ grid, keep }) => Uint8Array.from({ length: grid.blocks }, (_, b) => Number(b < keep)),
        exchange: ({ growthScores, keep }) => Uint8Array.from(naiveTopK(Array.from(growthScores), keep)),
      }),
    ),
    growth: gradientNorm,
  };
}

const optimizers: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.05, 0.9),
  adam: () => tf.train.adam(0.05),
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0.5),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.1, 0.9),
};

const SIZES = [6, 8, 4] as const;

async function compiled(optimizer: tf.Optimizer, pruner = byGradient(), seed = 1) {
  const [inputs, hidden, outputs] = SIZES;
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ name: 'first', units: hidden, inputShape: [inputs], activation: 'tanh' }),
      tf.layers.dense({ name: 'second', units: outputs }),
    ],
  });
  tf.tidy(() =>
    model.setWeights(model.weights.map(({ shape }, i) => randomTensor(shape as number[], 10 * seed + i))),
  );
  model.compile({ optimizer, loss: 'meanSquaredError' });
  const target = { sparsity: 0.5, blockShape: [2, 2], totalSteps: TOTAL, minimumBlocks: 1 } as const;
  return { model, optimizer, pruning: await sparsify(model, pruner, target) };
}

type Compiled = Awaited<ReturnType<typeof compiled>>;

const batch = (step: number) =>
  [randomTensor([5, SIZES[0]], 100 + step), randomTensor([5, SIZES[2]], 200 + step)] as const;

async function train({ model }: Compiled, step: number): Promise<void> {
  const [x, y] = batch(step);
  await model.trainOnBatch(x, y);
  tf.dispose([x, y]);
}

async function slotsOf(optimizer: tf.Optimizer) {
  return (await optimizer.getWeights()).map(({ name, tensor }) => ({ name, values: values(tensor) }));
}

const weightsOf = ({ model }: Compiled) => model.weights.map((weight) => values(weight.read()));
const masksOf = ({ kernels }: ModelPruning) => kernels.map(({ mask }) => [...mask]);

describe.each(Object.entries(optimizers))('under %s, the iteration before an exchange', (_, make) => {
  it('moves neither weights nor slots nor the count of iterations; those before and after it do', async () => {
    const run = await compiled(make());
    for (let step = 0; step < TOTAL; step++) {
      const exchanges = [2, 5].includes(step); // Before the choices at 3 and 6; at 9 the exchanges have ended.
      expect(run.pruning.leavesOutStep).toBe(exchanges);
      const before = { weights: weightsOf(run), slots: await slotsOf(run.optimizer) };
      const { iterations } = run.optimizer;
      await train(run, step);
      const after = { weights: weightsOf(run), slots: await slotsOf(run.optimizer) };
      if (exchanges) expect(after).toEqual(before);
      else expect(after.weights).not.toEqual(before.weights);
      expect(run.optimizer.iterations).toBe(iterations + (exchanges ? 0 : 1));
      await run.pruning.step();
    }
    await run.pruning.finalize();
  });

  it('is followed by slots that start anew in the blocks that were grown, and are as they were in all others', async () => {
    const run = await compiled(make());
    const fresh = make() as unknown as { initialAccumulatorValue?: number };
    const start = Math.fround(fresh.initialAccumulatorValue ?? 0);
    for (let step = 0; step < 2; step++) {
      await train(run, step);
      await run.pruning.step();
    }
    await train(run, 2);
    const [masks, slots] = [masksOf(run.pruning), await slotsOf(run.optimizer)];
    const before = tf.memory().numTensors;
    await run.pruning.step();
    expect(tf.memory().numTensors).toBeLessThanOrEqual(before); // The gradients are let go of.
    const after = await slotsOf(run.optimizer);
    expect(masksOf(run.pruning)).not.toEqual(masks);
    run.pruning.kernels.forEach(({ variable, mask, grid }, k) => {
      const [n, m] = grid.matrixShape;
      slots.forEach(({ name, values: slot }, i) => {
        if (!name.startsWith(`${variable.name}/`)) return;
        const expected = slot.map((value, at) => {
          const block = Math.floor(Math.floor(at / m) / 2) * (m / 2) + Math.floor((at % m) / 2);
          return mask[block] && !masks[k]?.[block] ? start : value;
        });
        expect(slot).toHaveLength(n * m);
        expect(after[i]?.values).toEqual(expected);
      });
    });
    const kernels = run.pruning.kernels.map(({ variable }) => variable.name);
    const isOfKernel = ({ name }: { name: string }) =>
      kernels.some((kernel) => name.startsWith(`${kernel}/`));
    expect(after.filter((slot) => !isOfKernel(slot))).toEqual(slots.filter((slot) => !isOfKernel(slot)));
    await run.pruning.finalize();
  });

  // To the step before an exchange, and to just after it.
  it.each([2, 3])(
    'in another model, from what was stored after step %d, goes on to the same bits',
    async (stored) => {
      if (make().getClassName() === 'Adam') return; // tfjs restores the powers of β to rounding.
      const first = await compiled(make());
      const advance = async (run: Compiled, from: number, to: number) => {
        for (let step = from; step < to; step++) {
          await train(run, step);
          await run.pruning.step();
        }
      };
      await advance(first, 0, stored);
      const second = await compiled(make(), byGradient(), 2);
      const weights = first.model.weights.map((weight) => weight.read().clone());
      second.model.weights.forEach((weight, i) => (weight.read() as tf.Variable).assign(weights[i]!));
      const slots = await first.optimizer.getWeights();
      await second.optimizer.setWeights(slots.map(({ name, tensor }) => ({ name, tensor: tensor.clone() })));
      second.pruning.restore(JSON.parse(JSON.stringify(first.pruning.state())) as PruningState);
      await advance(first, stored, TOTAL);
      await advance(second, stored, TOTAL);
      expect(masksOf(second.pruning)).toEqual(masksOf(first.pruning));
      expect(weightsOf(second)).toEqual(weightsOf(first));
      await first.pruning.finalize();
      await second.pruning.finalize();
    },
  );
});

describe('an optimiser whose step is left out', () => {
  it('comes to the same under fit, trainOnBatch, and minimize in a loop of variables', async () => {
    const looped = await compiled(tf.train.momentum(0.05, 0.9));
    for (let step = 0; step < TOTAL; step++) {
      await train(looped, step);
      await looped.pruning.step();
    }
    const fitted = await compiled(tf.train.momentum(0.05, 0.9));
    const batches = Array.from({ length: TOTAL }, (_, step) => batch(step));
    const [x, y] = [0, 1].map((i) => tf.concat(batches.map((pair) => pair[i] as tf.Tensor2D)));
    const callbacks = fitted.pruning.callback();
    await fitted.model.fit(x!, y!, { epochs: 1, batchSize: 5, shuffle: false, verbose: 0, callbacks });
    expect(weightsOf(fitted)).toEqual(weightsOf(looped));

    const variables = { w: tf.variable(randomTensor([6, 4], 1)) };
    const optimizer = tf.train.momentum(0.05, 0.9);
    const target = { sparsity: 0.5, blockShape: [2, 2], totalSteps: TOTAL, minimumBlocks: 1 } as const;
    const pruning = await sparsify(variables, byGradient(), { ...target, optimizer });
    const seen: boolean[] = [];
    for (let step = 0; step < TOTAL; step++) {
      const before = values(variables.w);
      const loss = () =>
        batches[step]![0].matMul(pruning.weight('w')).sub(batches[step]![1]).square().mean() as tf.Scalar;
      optimizer.minimize(loss);
      seen.push(values(variables.w).join() !== before.join());
      await pruning.step();
    }
    expect(seen).toEqual([true, true, false, true, true, false, true, true, true, true, true, true]);
    expect(optimizer.iterations).toBe(TOTAL - 2);
    await pruning.finalize();
  });

  it('has its own applyGradients again after the step, also one that was put on it, and after an end', async () => {
    const optimizer = tf.train.sgd(0.1);
    const run = await compiled(optimizer);
    for (let step = 0; step < 2; step++) {
      await train(run, step);
      await run.pruning.step();
    }
    expect(Object.hasOwn(optimizer, 'applyGradients')).toBe(true);
    await run.pruning.finalize();
    expect(Object.hasOwn(optimizer, 'applyGradients')).toBe(false);

    const counted: tf.SGDOptimizer = tf.train.sgd(0.1);
    let steps = 0;
    const own: typeof counted.applyGradients = (gradients) => {
      steps++;
      tf.SGDOptimizer.prototype.applyGradients.call(counted, gradients);
    };
    counted.applyGradients = own;
    const other = await compiled(counted);
    for (let step = 0; step < TOTAL; step++) {
      await train(other, step);
      await other.pruning.step();
    }
    expect(steps).toBe(TOTAL - 2);
    expect(counted.applyGradients).toBe(own);
    other.pruning.abandon();
  });

  it('is missed where it is not the one that trains', async () => {
    const { model, pruning } = await compiled(tf.train.sgd(0.1));
    const trains = tf.train.sgd(0.1);
    const step = async (i: number) => {
      const [x, y] = batch(i);
      trains.minimize(() => (model.apply(x) as tf.Tensor).sub(y).square().mean() as tf.Scalar);
      await pruning.step();
    };
    await step(0);
    await step(1);
    await expect(step(2)).rejects.toThrow('pass sparsify() the optimizer that trains');
    pruning.abandon();
  });

  it('must tell its slots, where it keeps them to itself', async () => {
    class Secretive extends tf.SGDOptimizer {
      resetState(): void {}
    }
    const { model, pruning } = await compiled(new Secretive(0.1));
    const [x, y] = batch(0);
    await model.trainOnBatch(x, y);
    await pruning.step();
    await model.trainOnBatch(x, y);
    await expect(pruning.step()).rejects.toThrow('give it a method slots(names)');
    pruning.abandon();
  });

  it('takes no proximal step either', async () => {
    let steps = 0;
    const proximal = (raw: tf.Tensor2D) => {
      steps++;
      return raw.clone();
    };
    const pruner = { ...byGradient(), parameterisation: { ...identity, name: 'counting', proximal } };
    const run = await compiled(tf.train.sgd(0.1), pruner);
    for (let step = 0; step < TOTAL; step++) {
      await train(run, step);
      await run.pruning.step();
    }
    expect(steps).toBe(2 * (TOTAL - 2)); // Two kernels.
    await run.pruning.finalize();
  });

  it("is the caller's to leave out where there is none", async () => {
    const w = tf.variable(randomTensor([4, 4], 1));
    const target = { sparsity: 0.5, blockShape: [2, 2], totalSteps: TOTAL, minimumBlocks: 1 } as const;
    const pruning = await sparsify({ w }, byGradient(), { ...target, optimizer: null });
    const leftOut: number[] = [];
    for (let step = 0; step < TOTAL; step++) {
      if (pruning.leavesOutStep) leftOut.push(step);
      tf.tidy(() => void tf.variableGrads(() => pruning.weight('w').square().sum() as tf.Scalar, [w]));
      await pruning.step();
    }
    expect(leftOut).toEqual([2, 5]);
    await pruning.finalize();
  });

  it('is missed where the caller takes it all the same', async () => {
    const w = tf.variable(randomTensor([4, 4], 1));
    const target = { sparsity: 0.5, blockShape: [2, 2], totalSteps: TOTAL, minimumBlocks: 1 } as const;
    const pruning = await sparsify({ w }, byGradient(), { ...target, optimizer: null });
    const step = async () => {
      tf.train.sgd(0.1).minimize(() => pruning.weight('w').square().sum() as tf.Scalar, false, [w]);
      await pruning.step();
    };
    await step();
    await step();
    await expect(step()).rejects.toThrow('make no update where pruning.leavesOutStep');
    pruning.abandon();
  });
});
