/** The loss' gradient by the effective weight, that searches score by; and what else a strategy may ask of core. */
import type { BlockMask } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { gradientNorm } from '../importances.js';
import { identity } from '../parameterisations.js';
import type { Importance, Parameterisation, Pruner, ScoredKernel } from '../pruner.js';
import { densePhase, sparsePhase, type Choice, type Phase, type Search } from '../search/phases.js';
import { sparsify } from './sparsify.js';
import type { Target } from './target.js';
import {
  byMagnitude,
  expectClose,
  finiteDifferences,
  naiveTopK,
  randomTensor,
  randomValues,
  values,
  zeroOutside,
} from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const target: Target = { sparsity: 0.5, blockShape: [2, 2], totalSteps: 4, minimumBlocks: 1 };

/** An importance that puts down every gradient it is shown, and scores by its norm. */
function witness(): { importance: Importance; seen: number[][] } {
  const seen: number[][] = [];
  const score = (kernel: ScoredKernel) => {
    seen.push(values(kernel.gradient()));
    return gradientNorm.score(kernel);
  };
  return { importance: { name: 'witness', usesGradient: true, score }, seen };
}

/** Chooses by score at the first step and every `everySteps` after. */
function repeated(everySteps: number, more: Partial<Search> = {}): Search {
  const phase: Phase = { ...sparsePhase(1), candidates: 'all', selection: { everySteps }, choose: best };
  return { name: 'repeated', phases: [phase], prunedWeights: 'masked', ...more };
}

const best = ({ scores, keep }: Choice): BlockMask =>
  Uint8Array.from(naiveTopK([...Array.from(scores)], keep));

describe('the recorded gradient', () => {
  it('is the dense gradient by the effective weight, pruned blocks included, ragged edges too', async () => {
    const { importance, seen } = witness();
    const w = tf.variable(randomTensor([5, 3], 1));
    const pruning = await sparsify(
      { w },
      { ...byMagnitude(repeated(1)), importance },
      { ...target, optimizer: null },
    );
    const [x, y] = [randomValues(4 * 5, 2), randomValues(4 * 3, 3)];
    /** Σ (tanh(x W) − y)², by hand. */
    const byHand = (weights: ArrayLike<number>) => {
      let loss = 0;
      for (let i = 0; i < 4; i++) {
        for (let j = 0; j < 3; j++) {
          let z = 0;
          for (let a = 0; a < 5; a++) z += (x[i * 5 + a] as number) * (weights[a * 3 + j] as number);
          loss += (Math.tanh(z) - (y[i * 3 + j] as number)) ** 2;
        }
      }
      return loss;
    };
    const loss = () =>
      tf
        .tensor2d(x, [4, 5])
        .matMul(pruning.weight('w') as tf.Tensor2D)
        .tanh()
        .sub(tf.tensor2d(y, [4, 3]))
        .square()
        .sum<tf.Scalar>();
    const { mask } = pruning.kernels[0] as { mask: BlockMask };
    expect(mask).toContain(0);
    const effective = zeroOutside(values(w), mask, [5, 3], [2, 2]);
    tf.tidy(() => void tf.variableGrads(loss, [w]));
    await pruning.step();
    expect(seen[0]).toEqual(new Array(15).fill(0)); // before the first step
    const expected = finiteDifferences(byHand, Float32Array.from(effective), 1e-2);
    expectClose(seen[1] as number[], expected, 2e-3);
    expect(
      zeroOutside(
        seen[1] as number[],
        mask.map((bit) => 1 - bit),
        [5, 3],
        [2, 2],
      ).some((g) => g !== 0),
    ).toBe(true);
    await pruning.finalize();
  });

  it('is summed over the places that read the kernel, as a recurrent one is in every time step', async () => {
    const { importance, seen } = witness();
    const layer = tf.layers.simpleRNN({ units: 4, inputShape: [3, 2], activation: 'linear', name: 'rnn' });
    const model = tf.sequential({ layers: [layer] });
    model.setWeights([randomTensor([2, 4], 1), randomTensor([4, 4], 2), tf.zeros([4])]);
    model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
    const pruning = await sparsify(
      model,
      { ...byMagnitude(repeated(1)), importance },
      { ...target, kernels: (name) => name.includes('recurrent') },
    );
    const [kernel] = pruning.kernels;
    const [x, y, w] = [
      randomTensor<tf.Tensor3D>([5, 3, 2], 3),
      randomTensor([5, 4], 4),
      randomTensor([2, 4], 1),
    ];
    const effective = values(kernel?.effective() as tf.Tensor);
    await model.trainOnBatch(x, y);
    await pruning.step();
    /** h ← x_t W + h U, the loss on the last h. */
    const byHand = (u: Float32Array) =>
      tf.tidy(() => {
        let h: tf.Tensor2D = tf.zeros([5, 4]);
        for (let t = 0; t < 3; t++) {
          const xt = x.slice([0, t, 0], [5, 1, 2]).reshape<tf.Tensor2D>([5, 2]);
          h = xt.matMul<tf.Tensor2D>(w).add<tf.Tensor2D>(h.matMul(tf.tensor2d(u, [4, 4])));
        }
        return h.sub(y).square().mean().dataSync()[0] as number;
      });
    expectClose(seen[1] as number[], finiteDifferences(byHand, Float32Array.from(effective), 1e-2), 1e-3);
    await pruning.finalize();
  });

  it('is recorded in the step before a choice alone', async () => {
    const { importance, seen } = witness();
    const w = tf.variable(randomTensor([4, 4], 1));
    const pruning = await sparsify(
      { w },
      { ...byMagnitude(repeated(3)), importance },
      { ...target, totalSteps: 8, optimizer: null },
    );
    // In step t the gradient is t everywhere: that of Σ t · W.
    for (let step = 1; step <= 8; step++) {
      tf.tidy(() => void tf.variableGrads(() => pruning.weight('w').mul(step).sum<tf.Scalar>(), [w]));
      await pruning.step();
    }
    expect(seen.map(([first]) => first)).toEqual([0, 3, 6]); // at the start, after the third and the sixth step
    await pruning.finalize();
  });

  it('is of the growth score also, and none is recorded where no score asks', async () => {
    const w = tf.variable(randomTensor([4, 4], 1));
    const grown: number[][] = [];
    const choose = ({ chosen, growthScores }: Choice) => {
      grown.push(Array.from(growthScores));
      return chosen;
    };
    const search: Search = { ...repeated(1), phases: [{ ...(repeated(1).phases[0] as Phase), choose }] };
    const run = async (pruner: Pruner) => {
      const pruning = await sparsify({ w }, pruner, { ...target, optimizer: null });
      tf.tidy(() => void tf.variableGrads(() => pruning.weight('w').mul(2).sum<tf.Scalar>(), [w]));
      await pruning.step();
      await pruning.finalize();
    };
    await run({ ...byMagnitude(search), growth: gradientNorm });
    expect(grown[1]).toEqual([2, 2, 2, 2]); // ‖[2, 2, 2, 2]‖ / √4
    await run({ ...byMagnitude(search), growth: { ...gradientNorm, usesGradient: false } });
    for (const norm of grown[3] as number[]) expect(norm).toBeLessThan(1e-12);
  });

  it('is there for finalize, where no choice came before: the blocks of the largest gradients stay', async () => {
    const w = tf.variable(tf.ones([2, 4]));
    const slopes = [3, -8, 1, 5, -2, 7, 4, -6];
    const optimizer = tf.train.sgd(0.01);
    const pruner: Pruner = {
      name: 'by-last-gradient',
      description: 'dense to the end',
      source: 'none',
      settings: {},
      parameterisation: identity,
      importance: gradientNorm,
      search: { name: 'none', phases: [densePhase(1)], prunedWeights: 'masked' },
    };
    const pruning = await sparsify({ w }, pruner, {
      sparsity: 0.5,
      blockShape: [1, 1],
      minimumBlocks: 1,
      totalSteps: 2,
      optimizer,
    });
    for (let step = 0; step < 2; step++) {
      optimizer.minimize(() =>
        pruning
          .weight('w')
          .mul(tf.tensor2d(slopes, [2, 4]))
          .sum(),
      );
      await pruning.step();
    }
    await pruning.finalize();
    // The gradient of Σ c·w is c: −8, 7, −6 and 5 are the largest four.
    expect(Array.from(w.dataSync(), (value) => value !== 0)).toEqual(slopes.map((c) => Math.abs(c) >= 5));
  });

  it('leaves no tensor behind, step by step or at the end', async () => {
    const kernelInitializer = tf.initializers.glorotUniform({ seed: 21 }); // whose mask changes early and late
    const model = tf.sequential({
      layers: [tf.layers.dense({ units: 8, inputShape: [8], kernelInitializer })],
    });
    model.compile({ optimizer: tf.train.momentum(0.1, 0.9), loss: 'meanSquaredError' });
    const [x, y] = [randomTensor([4, 8], 1), randomTensor([4, 8], 2)];
    const pruner = { ...byMagnitude(repeated(2)), importance: gradientNorm };
    const pruning = await sparsify(model, pruner, { ...target, totalSteps: 20 });
    const counts: number[] = [];
    for (let step = 0; step < 12; step++) {
      await model.trainOnBatch(x, y);
      await pruning.step();
      counts.push(tf.memory().numTensors);
    }
    // After a step that changed the mask there is one more.
    expect(Math.max(...counts.slice(6))).toBe(Math.max(...counts.slice(0, 6)));
    expect(counts.at(-1)).toBe(counts[0]);
    await pruning.finalize();

    const w = tf.variable(randomTensor([8, 8], 1));
    const before = tf.memory().numTensors;
    const bare = await sparsify({ w }, pruner, { ...target, optimizer: null });
    await bare.step(); // a gradient is recorded in the next step, and no choice follows
    tf.tidy(() => void tf.variableGrads(() => bare.weight('w').sum<tf.Scalar>(), [w]));
    await bare.finalize();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('the gradient of the pruned blocks', () => {
  it.each([
    ['kept', 0],
    ['all', 3],
  ] as const)('under `gradient: %s` is %d where the loss is 3 Σ W', async (gradient, expected) => {
    const w = tf.variable(tf.tensor2d([[1, 1, 5, 5]]));
    const search: Search = { name: 's', phases: [sparsePhase(1)], prunedWeights: 'masked', gradient };
    const pruning = await sparsify({ w }, byMagnitude(search), {
      ...target,
      blockShape: [1, 2],
      optimizer: null,
    });
    const { grads } = tf.variableGrads(() => pruning.weight('w').mul(3).sum<tf.Scalar>(), [w]);
    expect(values(pruning.weight('w'))).toEqual([0, 0, 5, 5]);
    expect(values(grads[w.name] as tf.Tensor)).toEqual([expected, expected, 3, 3]);
    await pruning.finalize();
  });

  it('goes through what the parameterisation makes of the weight, straight through the mask alone', async () => {
    // Ŵ = 2 W ⊙ mask; the gradient of Σ Ŵ by W is 2, and by the factor 2's logarithm Σ over all blocks of Ŵ.
    const doubled: Parameterisation = {
      name: 'doubled',
      trainables: () => ({ s: tf.scalar(2) }),
      elementwise: (raw, { s }) => raw.mul(s as tf.Tensor),
    };
    const w = tf.variable(tf.tensor2d([[1, 1, 5, 5]]));
    const search: Search = { name: 's', phases: [sparsePhase(1)], prunedWeights: 'masked', gradient: 'all' };
    const pruner = { ...byMagnitude(search), parameterisation: doubled };
    const pruning = await sparsify({ w }, pruner, { ...target, blockShape: [1, 2], optimizer: null });
    const [s] = pruning.addedVariables as [tf.Variable];
    const { grads } = tf.variableGrads(() => pruning.weight('w').sum<tf.Scalar>(), [w, s]);
    expect(values(grads[w.name] as tf.Tensor)).toEqual([2, 2, 2, 2]);
    expect(values(grads[s.name] as tf.Tensor)).toEqual([12]);
    await pruning.finalize();
  });
});

/** Counts in a buffer how often a choice was made, and marks the blocks of the last. */
const counting: Parameterisation = {
  name: 'counting',
  buffers: ({ grid }) => ({ choices: tf.scalar(0), last: tf.ones([...grid.gridShape]) }),
  afterChoice: ({ buffers: { choices, last }, chosen, grid }) => {
    choices?.assign(choices.add(1));
    last?.assign(tf.tensor2d(Float32Array.from(chosen), [...grid.gridShape]));
  },
  blockScale: (_raw, _trainables, { buffers: { last } }) => (last as tf.Tensor2D).mul(0.5).add(0.5),
};

/** Two steps with the choice remembered only, then pruned. */
const remembered: Search = {
  name: 'remembered',
  phases: [{ ...sparsePhase(0.5), name: 'selection', others: 'active', candidates: 'all' }, sparsePhase(0.5)],
  prunedWeights: 'masked',
};

describe('buffers', () => {
  const pruner: Pruner = { ...byMagnitude(remembered), parameterisation: counting };
  const dense = () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ name: 'd', units: 4, inputShape: [4] })] });
    model.setWeights([randomTensor([4, 4], 1), tf.zeros([4])]);
    return model;
  };

  it('are non-trainable weights of the layer while the run lasts, and leave at its end', async () => {
    const model = dense();
    const before = model.weights.map(({ name }) => name);
    const tensors = tf.memory().numTensors;
    const pruning = await sparsify(model, pruner, { ...target, optimizer: null });
    expect(model.nonTrainableWeights.map(({ shape }) => shape)).toEqual([[], [2, 2]]);
    expect(model.trainableWeights).toHaveLength(2);
    expect(pruning.addedVariables).toEqual([]);
    expect(values(pruning.kernels[0]?.buffers['choices'] as tf.Tensor)).toEqual([1]);
    await pruning.step();
    await pruning.step();
    expect(values(pruning.kernels[0]?.buffers['choices'] as tf.Tensor)).toEqual([2]);
    await pruning.finalize();
    expect(model.weights.map(({ name }) => name)).toEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('go with the weights of the model to another run', async () => {
    const [from, to] = [dense(), dense()];
    const first = await sparsify(from, pruner, { ...target, optimizer: null });
    const second = await sparsify(to, pruner, { ...target, optimizer: null });
    await first.step();
    first.kernels[0]?.buffers['choices']?.assign(tf.scalar(7));
    await second.resume(await first.checkpoint());
    expect(values(second.kernels[0]?.buffers['choices'] as tf.Tensor)).toEqual([7]);
    expect(second.state()).toEqual(first.state());
    await first.finalize();
    await second.finalize();
    expect(values(to.getWeights()[0] as tf.Tensor)).toEqual(values(from.getWeights()[0] as tf.Tensor));
  });
});

describe('a choice that is only remembered', () => {
  const pruner = byMagnitude(remembered);

  it('leaves every block active, until a phase prunes the others', async () => {
    const w = tf.variable(tf.tensor2d([[1, 1, 5, 5]]));
    const pruning = await sparsify({ w }, pruner, { ...target, blockShape: [1, 2], optimizer: null });
    const [kernel] = pruning.kernels;
    expect([[...(kernel?.chosen ?? [])], [...(kernel?.mask ?? [])]]).toEqual([
      [0, 1],
      [1, 1],
    ]);
    w.assign(tf.tensor2d([[9, 9, 5, 5]])); // too late: the choice is made
    await pruning.step();
    await pruning.step();
    expect([...(kernel?.mask ?? [])]).toEqual([0, 1]);
    await pruning.finalize();
    expect(values(w)).toEqual([0, 0, 5, 5]);
  });

  it('is restored as one, the others active', async () => {
    const w = tf.variable(randomTensor([4, 4], 1));
    const pruning = await sparsify({ w }, pruner, { ...target, optimizer: null });
    pruning.restore({ step: 1, masks: { w: [2] } });
    const [kernel] = pruning.kernels;
    expect([[...(kernel?.chosen ?? [])], [...(kernel?.mask ?? [])]]).toEqual([
      [0, 0, 1, 0],
      [1, 1, 1, 1],
    ]);
    pruning.restore({ step: 2, masks: { w: [1, 2] } });
    expect([...(kernel?.mask ?? [])]).toEqual([0, 1, 1, 0]);
    await pruning.finalize();
  });

  it('of too few blocks is filled up by the active ones where the run ends early', async () => {
    const none: Search = {
      ...remembered,
      phases: [
        { ...(remembered.phases[0] as Phase), choose: ({ grid }) => new Uint8Array(grid.blocks) },
        sparsePhase(0.5),
      ],
    };
    const w = tf.variable(tf.tensor2d([[1, 1, 5, 5]]));
    const pruning = await sparsify({ w }, byMagnitude(none), {
      ...target,
      blockShape: [1, 2],
      optimizer: null,
    });
    await pruning.finalize();
    expect(values(w)).toEqual([0, 0, 5, 5]);
  });
});

describe('a run whose sparsity is learned', () => {
  it('ends with what was learned, and reports the target beside it', async () => {
    const search: Search = {
      name: 'none',
      phases: [densePhase(1)],
      prunedWeights: 'masked',
      final: 'learned',
    };
    const w = tf.variable(randomTensor([4, 4], 1));
    w.assign(
      tf.tidy(() =>
        w.mul(
          tf.tensor2d([
            [1, 1, 1, 1],
            [1, 1, 1, 1],
            [1, 1, 0, 0],
            [1, 1, 0, 0],
          ]),
        ),
      ),
    );
    const plain = values(w);
    const pruning = await sparsify({ w }, byMagnitude(search), {
      ...target,
      sparsity: 0.75,
      optimizer: null,
    });
    const { pruned, achieved } = await pruning.finalize();
    expect(values(w)).toEqual(plain);
    expect(pruned[0]).toMatchObject({ blocks: 4, targetBlocks: 1, keptBlocks: 3 });
    expect(achieved.prunedLayers).toBe(0.25);
  });
});

describe('erased weights', () => {
  it('restart from zero though momentum moved them while they were masked', async () => {
    // Blocks [1, 1] and [5, 5] in turn; the optimiser is not reset within the phase.
    const turn = ({ progress }: Choice) => Uint8Array.from(progress === 0.5 ? [0, 1] : [1, 0]);
    const phase: Phase = { ...sparsePhase(1), candidates: 'all', selection: { everySteps: 2 }, choose: turn };
    const search: Search = { name: 's', phases: [phase], prunedWeights: 'erased' };
    const optimizer = tf.train.momentum(0.1, 0.9);
    const w = tf.variable(tf.tensor2d([[1, 1, 5, 5]]));
    const pruning = await sparsify({ w }, byMagnitude(search), { ...target, blockShape: [1, 2], optimizer });
    const starts: number[][] = [];
    for (let step = 0; step < 4; step++) {
      starts.push(values(w));
      optimizer.minimize(() => pruning.weight('w').sum<tf.Scalar>(), false, [w]);
      await pruning.step();
    }
    expect(starts[0]).toEqual([1, 1, 0, 0]);
    expect(starts[2]).toEqual([0, 0, 0, 0]);
    expect(starts[3]?.[0]).not.toBe(0); // momentum's doing, out of sight
    await pruning.finalize();
  });
});

describe('a strategy that scores by gradients, keeps buffers and remembers choices', () => {
  const pruner: Pruner = {
    ...byMagnitude({
      name: 'all of it',
      phases: [
        {
          ...sparsePhase(0.6),
          others: 'active',
          candidates: 'all',
          selection: { everySteps: 2 },
          choose: best,
        },
        sparsePhase(0.4),
      ],
      prunedWeights: 'masked',
    }),
    importance: gradientNorm,
    parameterisation: counting,
  };
  const model = () => {
    const made = tf.sequential({
      layers: [
        tf.layers.dense({ name: 'a', units: 8, inputShape: [8], activation: 'tanh' }),
        tf.layers.dense({ name: 'b', units: 4 }),
      ],
    });
    made.setWeights(made.weights.map(({ shape }, i) => randomTensor(shape as number[], i + 1)));
    made.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
    return made;
  };
  const [x, y] = [() => randomTensor([20, 8], 91), () => randomTensor([20, 4], 92)];

  it('comes by model.fit to the same masks and weights as by a loop', async () => {
    const [fitted, looped] = [model(), model()];
    const a = await sparsify(fitted, pruner, { ...target, totalSteps: 10 });
    const b = await sparsify(looped, pruner, { ...target, totalSteps: 10 });
    await fitted.fit(x(), y(), {
      epochs: 2,
      batchSize: 4,
      shuffle: false,
      verbose: 0,
      callbacks: a.callback(),
    });
    for (let step = 0; step < 10; step++) {
      const from = [(step % 5) * 4, 0];
      await looped.trainOnBatch(x().slice(from, [4, 8]), y().slice(from, [4, 4]));
      await b.step();
    }
    expect(b.state()).toEqual(a.state());
    expect(await b.finalize()).toEqual(await a.finalize());
    expect(looped.getWeights().map(values)).toEqual(fitted.getWeights().map(values));
  });

  it('goes on after a restore, between two choices, as if it had not stopped', async () => {
    const [first, second] = [model(), model()];
    const a = await sparsify(first, pruner, { ...target, totalSteps: 10 });
    const b = await sparsify(second, pruner, { ...target, totalSteps: 10 });
    const steps = async (of: tf.LayersModel, pruning: typeof a, from: number, to: number) => {
      for (let step = from; step < to; step++) {
        await of.trainOnBatch(x(), y());
        await pruning.step();
      }
    };
    await steps(first, a, 0, 3);
    await b.resume(await a.checkpoint());
    await steps(first, a, 3, 10);
    await steps(second, b, 3, 10);
    await a.finalize();
    await b.finalize();
    expect(second.getWeights().map(values)).toEqual(first.getWeights().map(values));
  });
});
