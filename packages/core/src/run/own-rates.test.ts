/** What has a learning rate of its own: Adam in the place of the optimiser, whichever that is and however it is called. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { chain } from '../chain.js';
import { travel } from '../learning-rates.js';
import { softmaxAttention } from '../parameterisations.js';
import type { LearningRate, Parameterisation, PrunedKernel, Pruner } from '../pruner.js';
import { alternatingWithSparsification } from '../search/alternating-with-sparsification.js';
import { oneShot } from '../search/one-shot.js';
import { byAttention, byMagnitude, expectClose, randomTensor, shortPlan, values } from '../test-support.js';
import { sparsify, type ModelPruning } from './sparsify.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const TOTAL = 20;
const target = { sparsity: 0.5, blockShape: [2, 2], totalSteps: TOTAL, minimumBlocks: 1 } as const;

/** Adds one number a block, which its gradient is given for: the loss is `Σ slopes · number`. */
function numbers(rate: LearningRate | null): Parameterisation {
  return {
    name: 'numbers',
    trainables: ({ grid }) => ({ numbers: tf.zeros([...grid.gridShape]) }),
    ...(rate && { learningRates: { numbers: rate } }),
    blockScale: (_raw, { numbers: added }) => (added as tf.Tensor2D).add(1),
  };
}

const under = (parameterisation: Parameterisation, search = oneShot()): Pruner => ({
  ...byMagnitude(search),
  parameterisation,
});

/** A variable of ones in 2 × 2 blocks of 1 × 1, so that a number's gradient is its slope. */
async function ones(rate: LearningRate | null, optimizer: tf.Optimizer | null, search = oneShot()) {
  const w = tf.variable(tf.ones([2, 2]));
  const own = { ...target, blockShape: [1, 1] as const, optimizer };
  const pruning = await sparsify({ w }, under(numbers(rate), search), own);
  const [added] = pruning.addedVariables as [tf.Variable];
  const lossOf = (slopes: tf.Tensor) => () => pruning.weight('w').mul(slopes).sum<tf.Scalar>();
  return { w, pruning, added, lossOf };
}

const constant =
  (rate: number): LearningRate =>
  () =>
    rate;

/** Adam of the paper's Algorithm 1, in doubles. */
function adam(gradients: readonly number[], rate: number): number {
  let [m, v, x] = [0, 0, 0];
  gradients.forEach((g, i) => {
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    x -= (rate * m) / (1 - 0.9 ** (i + 1)) / (Math.sqrt(v / (1 - 0.999 ** (i + 1))) + 1e-12);
  });
  return x;
}

const optimizers: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.05),
  momentum: () => tf.train.momentum(0.05, 0.9),
  adam: () => tf.train.adam(0.01),
  rmsprop: () => tf.train.rmsprop(0.01),
  adagrad: () => tf.train.adagrad(0.05),
};

describe.each(Object.entries(optimizers))('a learning rate of its own under tf.train.%s', (_, make) => {
  it('moves by Adam, whatever the optimiser does to the rest', async () => {
    const optimizer = make();
    const { w, pruning, added, lossOf } = await ones(constant(0.02), optimizer);
    const slopes = [3, -1, 0.01, 0];
    const signs = [1, 1, -1, 1, -1];
    for (const sign of signs) {
      // The raw weight scales the gradient, too: it is put back to ones.
      w.assign(tf.ones([2, 2]));
      const loss = lossOf(tf.tensor2d(slopes, [2, 2]).mul(sign));
      optimizer.minimize(loss, false, [w, added]);
      await pruning.step();
    }
    const expected = slopes.map((slope) =>
      adam(
        signs.map((sign) => sign * slope),
        0.02,
      ),
    );
    expectClose(values(added), expected, 1e-7);
    pruning.abandon();
  });

  it('leaves the rest to the optimiser as if there were nothing else to train', async () => {
    const [optimizer, alone] = [make(), make()];
    const { w, pruning, added, lossOf } = await ones(constant(0), optimizer);
    const other = tf.variable(tf.ones([2, 2]));
    const slopes = randomTensor([2, 2], 3);
    for (let step = 0; step < 4; step++) {
      optimizer.minimize(lossOf(slopes), false, [added, w]);
      alone.minimize(() => other.mul(slopes).sum<tf.Scalar>(), false, [other]);
      await pruning.step();
    }
    expect(values(w)).toEqual(values(other));
    const [own, expected] = [await optimizer.getWeights(), await alone.getWeights()];
    expect(own.map(({ tensor }) => values(tensor))).toEqual(expected.map(({ tensor }) => values(tensor)));
    pruning.abandon();
  });
});

it('tells a proximal step how far its own step went', async () => {
  const optimizer = tf.train.sgd(0);
  const sizes: number[][] = [];
  const own: Parameterisation = {
    ...numbers(constant(0.02)),
    proximal: (raw, _kernel, { stepSize }) => {
      sizes.push(values(stepSize('numbers')));
      return raw.clone();
    },
  };
  const w = tf.variable(tf.ones([2, 2]));
  const pruning = await sparsify({ w }, under(own), { ...target, blockShape: [1, 1], optimizer });
  const [added] = pruning.addedVariables as [tf.Variable];
  const slopes = [3, -1, 0.5, 2];
  for (let step = 0; step < 3; step++) {
    const before = values(added);
    const loss = () =>
      pruning
        .weight('w')
        .mul(tf.tensor2d(slopes, [2, 2]))
        .sum<tf.Scalar>();
    optimizer.minimize(loss, false, [w, added]);
    await pruning.step();
    const moved = values(added).map((value, b) => before[b]! - value);
    expectClose(
      sizes[step]!.map((size, b) => size * slopes[b]!),
      moved,
      1e-6,
    );
  }
  pruning.abandon();
});

describe('the moments of what has a learning rate of its own', () => {
  it('are forgotten whenever the optimiser is', async () => {
    const optimizer = tf.train.momentum(0, 0.9);
    const { w, pruning, added, lossOf } = await ones(constant(0.1), optimizer);
    const step = async (sign: number) => {
      optimizer.minimize(lossOf(tf.fill([2, 2], sign)), false, [w, added]);
      await pruning.step();
    };
    for (let i = 0; i < TOTAL / 2; i++) await step(1);
    const before = values(added);
    await step(-1);
    // The first step after one-shot pruning at half: of what is kept, a whole step the other way.
    const { mask } = pruning.kernels[0]!;
    values(added).forEach((value, b) => expect(value).toBeCloseTo(before[b]! + (mask[b] ? 0.1 : 0), 6));
    pruning.abandon();
  });

  it('are of no optimiser, no file and no report: the model is a plain one in the end', async () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 4, inputShape: [6] })] });
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
    const before = tf.memory().numTensors;
    const pruning = await sparsify(model, byAttention(oneShot(), 1, 8), target);
    expect(model.getWeights().map(({ shape }) => shape)).toEqual([[6, 4], [4]]);
    expect(Object.keys(pruning.kernels[0]!.buffers)).toEqual(['logits_moment_1', 'logits_moment_2']);
    pruning.abandon();
    expect(model.weights).toHaveLength(2);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('travel', () => {
  const kernel = (density: number) => ({ density }) as PrunedKernel;

  it.each([
    [8, 0.1, 100],
    [3, 0.05, 7],
    [1, 0.5, 1],
  ])('adds up to c · ln(1/d) over all steps, for c = %s, d = %s and %s steps', (c, density, steps) => {
    const rates = Array.from({ length: steps }, (_, k) => travel(c)(kernel(density), k, steps));
    expect(rates.reduce((sum, rate) => sum + rate, 0)).toBeCloseTo(c * Math.log(1 / density), 10);
    rates.slice(1).forEach((rate, k) => expect(rate).toBeLessThan(rates[k]!));
    expect(travel(c)(kernel(density), steps, steps)).toBeCloseTo(0, 12);
  });

  it('takes logits so far that nothing turns them back', async () => {
    const optimizer = tf.train.sgd(0);
    const once = {
      ...oneShot(),
      phases: oneShot().phases.map((phase) => ({ ...phase, resetsOptimizer: false })),
    };
    const { w, pruning, added, lossOf } = await ones(travel(2), optimizer, once);
    for (let step = 0; step < TOTAL; step++) {
      // What is pruned would have no gradient.
      if (step === TOTAL / 2 - 1) pruning.kernels[0]!.choose(Uint8Array.of(1, 1, 1, 1));
      optimizer.minimize(lossOf(tf.tensor2d([5, -5, 5, -5], [2, 2])), false, [w, added]);
      await pruning.step();
    }
    const far = 2 * Math.log(2);
    const kept = [...pruning.kernels[0]!.mask.keys()].filter((b) => pruning.kernels[0]!.mask[b]);
    for (const b of kept) expect(Math.abs(values(added)[b]!)).toBeCloseTo(far, 5);
    pruning.abandon();
  });

  it('is 8 by default, stands still at density 1, and is none where the optimiser trains the logits', () => {
    const rate = softmaxAttention().learningRates!['logits']!;
    expect(rate(kernel(0.1), 0, 9)).toBeCloseTo((8 * Math.log(10) * 2) / 10, 12);
    expect(rate(kernel(1), 0, 9)).toBeCloseTo(0, 12);
    expect(softmaxAttention({ travel: 'optimizer' }).learningRates).toBeUndefined();
  });

  it.each([0, -1, Infinity, Number.NaN, '8', 'optimiser'])('refuses to go %s far', (distance) => {
    expect(() => softmaxAttention({ travel: distance as number })).toThrow(
      /softmaxAttention\(\): travel = .*, and is to be how far the logits travel.*, or 'optimizer'/,
    );
    expect(() => travel(distance as number)).toThrow('travel(): distance = ');
  });
});

describe('a model whose logits travel', () => {
  const spp = () => byAttention(alternatingWithSparsification(shortPlan), 1, 8);

  function model(seed: number, optimizer: tf.Optimizer | null) {
    const made = tf.sequential({
      layers: [
        tf.layers.dense({ name: 'first', units: 8, inputShape: [6], activation: 'tanh' }),
        tf.layers.dense({ name: 'second', units: 4 }),
      ],
    });
    tf.tidy(() =>
      made.setWeights(made.weights.map(({ shape }, i) => randomTensor(shape as number[], seed + i))),
    );
    if (optimizer) made.compile({ optimizer, loss: 'meanSquaredError' });
    return made;
  }
  const batch = (step: number) =>
    [randomTensor([5, 6], 100 + step), randomTensor([5, 4], 200 + step)] as const;
  const loss = (of: tf.LayersModel, step: number) => () =>
    tf.losses.meanSquaredError(batch(step)[1], of.apply(batch(step)[0]) as tf.Tensor) as tf.Scalar;

  async function trainOn(of: tf.LayersModel, pruning: ModelPruning, from: number, to: number) {
    for (let step = from; step < to; step++) {
      await of.trainOnBatch(...(batch(step) as unknown as [tf.Tensor, tf.Tensor]));
      await pruning.step();
    }
  }
  const weightsOf = (of: tf.LayersModel) => of.weights.map((weight) => values(weight.read()));

  it('goes on from a checkpoint to the bit', async () => {
    for (const at of [3, 13]) {
      const one = model(1, tf.train.adam(0.02));
      const first = await sparsify(one, spp(), target);
      await trainOn(one, first, 0, at);
      const checkpoint = await first.checkpoint();
      await trainOn(one, first, at, TOTAL);
      const other = model(7, tf.train.adam(0.02));
      const second = await sparsify(other, spp(), target);
      await second.resume(checkpoint);
      await trainOn(other, second, at, TOTAL);
      expect(weightsOf(other)).toEqual(weightsOf(one));
      first.abandon();
      second.abandon();
    }
  });

  it('trains alike by trainOnBatch, by minimize, by gradients summed over parts, and by hand', async () => {
    const ends: number[][][] = [];
    const steps = 6;
    const byBatch = model(1, tf.train.momentum(0.05, 0.9));
    const runOfBatch = await sparsify(byBatch, spp(), target);
    await trainOn(byBatch, runOfBatch, 0, steps);
    ends.push(weightsOf(byBatch));
    runOfBatch.abandon();

    const variables = (of: tf.LayersModel) =>
      of.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const byMinimize = model(1, null);
    const optimizer = tf.train.momentum(0.05, 0.9);
    const runOfMinimize = await sparsify(byMinimize, spp(), { ...target, optimizer });
    for (let step = 0; step < steps; step++) {
      optimizer.minimize(loss(byMinimize, step), false, variables(byMinimize));
      await runOfMinimize.step();
    }
    ends.push(weightsOf(byMinimize));
    runOfMinimize.abandon();

    const byParts = model(1, null);
    const ofParts = tf.train.momentum(0.05, 0.9);
    const runOfParts = await sparsify(byParts, spp(), { ...target, optimizer: ofParts });
    for (let step = 0; step < steps; step++) {
      const half = () => loss(byParts, step)().mul<tf.Scalar>(0.5);
      const [one, other] = [tf.variableGrads(half), tf.variableGrads(half)];
      const sums = Object.entries(one.grads).map(([name, tensor]) => ({
        name,
        tensor: tensor.add(other.grads[name]!),
      }));
      ofParts.applyGradients(sums);
      await runOfParts.step();
    }
    ends.push(weightsOf(byParts));
    runOfParts.abandon();

    const byHand = model(1, null);
    const runOfHand = await sparsify(byHand, spp(), { ...target, optimizer: null });
    const velocities = new Map<string, tf.Tensor>();
    for (let step = 0; step < steps; step++) {
      const trained = variables(byHand);
      const { grads } = tf.variableGrads(loss(byHand, step), trained);
      for (const [name, gradient] of Object.entries(runOfHand.trainAdded(grads))) {
        const velocity = gradient.add(velocities.get(name)?.mul(0.9) ?? 0);
        velocities.set(name, velocity);
        const variable = trained.find((own) => own.name === name)!;
        variable.assign(variable.sub(velocity.mul(0.05)));
      }
      await runOfHand.step();
      // By hand there is nobody to forget at a phase switch.
      if (runOfHand.phase !== 'dense') break;
    }
    const dense = model(1, tf.train.momentum(0.05, 0.9));
    const runOfDense = await sparsify(dense, spp(), target);
    await trainOn(dense, runOfDense, 0, runOfHand.stepsDone);
    weightsOf(byHand).forEach((weight, i) => expectClose(weight, weightsOf(dense)[i]!, 1e-5));
    runOfDense.abandon();
    runOfHand.abandon();

    const [first, ...others] = ends as [number[][], ...number[][][]];
    for (const other of others) other.forEach((weight, i) => expectClose(weight, first[i]!, 1e-5));
  });

  it('is trained by its rule whenever it is compiled: after sparsify(), or anew in the midst', async () => {
    const [late, early] = [model(1, null), model(1, tf.train.sgd(0.05))];
    const [ofLate, ofEarly] = [await sparsify(late, spp(), target), await sparsify(early, spp(), target)];
    late.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
    await trainOn(late, ofLate, 0, 9);
    late.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
    await trainOn(late, ofLate, 9, TOTAL);
    await trainOn(early, ofEarly, 0, TOTAL);
    expect(weightsOf(late)).toEqual(weightsOf(early));
    ofLate.abandon();
    ofEarly.abandon();
  });

  it('leaves the logits of pruned blocks where they are', async () => {
    const own = model(1, tf.train.momentum(0.05, 0.9));
    // Not so far that the attention is clipped, and has no gradient.
    const pruning = await sparsify(own, byAttention(oneShot(), 1, 0.5), target);
    await trainOn(own, pruning, 0, TOTAL / 2);
    const before = pruning.kernels.map(({ trainables }) => values(trainables['logits']!));
    await trainOn(own, pruning, TOTAL / 2, TOTAL / 2 + 3);
    pruning.kernels.forEach(({ trainables, mask }, i) =>
      values(trainables['logits']!).forEach((logit, b) =>
        expect(logit !== before[i]![b]).toBe(mask[b] === 1),
      ),
    );
    pruning.abandon();
  });

  it('has an optimiser of its own again when it is over', async () => {
    const optimizer = tf.train.sgd(0.05);
    const { applyGradients } = optimizer;
    const pruning = await sparsify(model(1, optimizer), spp(), target);
    expect(optimizer.applyGradients).not.toBe(applyGradients);
    pruning.abandon();
    expect(Object.hasOwn(optimizer, 'applyGradients')).toBe(false);
  });

  it('does not let an optimiser train the logits that the run does not know', async () => {
    const own = model(1, null);
    const pruning = await sparsify(own, spp(), { ...target, optimizer: null });
    const variables = own.trainableWeights.map((weight) => weight.read() as tf.Variable);
    tf.train.sgd(0.05).minimize(loss(own, 0), false, variables);
    await expect(pruning.step()).rejects.toThrow(
      'by-attention trains what it added at a learning rate of its own, and the model was trained by an optimizer that ' +
        'the run does not know: pass sparsify() the one that trains',
    );
    pruning.abandon();
  });

  it('has logits that no regularizer of the kernel counts', async () => {
    const regularized = tf.sequential({
      layers: [
        tf.layers.dense({ units: 4, inputShape: [6], kernelRegularizer: tf.regularizers.l2({ l2: 0.1 }) }),
      ],
    });
    const [layer] = regularized.layers as [tf.layers.Layer];
    const pruning = await sparsify(regularized, spp(), target);
    expect(layer.losses).toHaveLength(1);
    pruning.abandon();
  });
});

describe('a parameterisation with learning rates', () => {
  const refusal = async (parameterisation: Parameterisation) => {
    const w = tf.variable(tf.ones([4, 4]));
    return sparsify({ w }, under(parameterisation), { ...target, optimizer: null });
  };

  it('is refused where they are of what it does not train, or no functions', async () => {
    await expect(refusal({ ...numbers(null), learningRates: { logits: travel(8) } })).rejects.toThrow(
      "the parameterisation 'numbers' has a learning rate for logits, which it does not train: it trains numbers",
    );
    const wrong = { numbers: 0.1 } as unknown as Parameterisation['learningRates'];
    await expect(refusal({ ...numbers(null), learningRates: wrong! })).rejects.toThrow(
      'has for the learning rate of numbers 0.1, not a function of the kernel and the step, such as travel(8)',
    );
  });

  it('says which rate is no number, at the step that asks for it', async () => {
    const optimizer = tf.train.sgd(0.1);
    const { w, pruning, added, lossOf } = await ones(() => Number.NaN, optimizer);
    expect(() => optimizer.minimize(lossOf(tf.ones([2, 2])), false, [w, added])).toThrow(
      'The learning rate of the numbers of w is NaN at step 0, not a number in [0, ∞)',
    );
    pruning.abandon();
  });

  it('keeps them in a chain', () => {
    const both = chain(numbers(constant(1)), softmaxAttention());
    expect(Object.keys(both.learningRates!)).toEqual(['numbers', 'logits']);
    expect(chain(numbers(null), softmaxAttention({ travel: 'optimizer' })).learningRates).toBeUndefined();
  });
});
