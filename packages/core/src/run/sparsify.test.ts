import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';

import { erdosRenyiKernel, global } from '../allocation.js';
import type { Pruner } from '../pruner.js';
import { alternating } from '../search/alternating.js';
import { alternatingWithSparsification } from '../search/alternating-with-sparsification.js';
import { gradual } from '../search/gradual.js';
import { oneShot } from '../search/one-shot.js';
import { sparsify, type ModelPruning } from './sparsify.js';
import type { Target } from './target.js';
import {
  byAttention,
  byMagnitude,
  expectClose,
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

type Regularizer = ReturnType<typeof tf.regularizers.l2>;

const target: Target = { sparsity: 0.75, blockShape: [2, 2], totalSteps: 20, minimumBlocks: 1 };

/** 8 → 8 → 4, its weights from a seed. */
const layers = (regularizer?: Regularizer) => [
  tf.layers.dense({
    name: 'first',
    units: 8,
    inputShape: [8],
    activation: 'tanh',
    ...(regularizer && { kernelRegularizer: regularizer }),
  }),
  tf.layers.dense({ name: 'second', units: 4 }),
];

function seeded<M extends tf.LayersModel>(model: M): M {
  model.setWeights(model.weights.map(({ shape }, i) => randomTensor(shape as number[], i + 1)));
  return model;
}

function functional(regularizer?: Regularizer): tf.LayersModel {
  const input = tf.input({ shape: [8] });
  const output = layers(regularizer).reduce((x, layer) => layer.apply(x) as tf.SymbolicTensor, input);
  return seeded(tf.model({ inputs: input, outputs: output }));
}

const sequential = () => seeded(tf.sequential({ layers: layers() }));

function nested(): tf.LayersModel {
  const input = tf.input({ shape: [8] });
  const inner = tf.sequential({ name: 'inner', layers: layers() });
  return seeded(tf.model({ inputs: input, outputs: inner.apply(input) as tf.SymbolicTensor }));
}

const models: Record<string, () => tf.LayersModel> = {
  'tf.Sequential': sequential,
  functional: () => functional(),
  nested,
};

const data = { x: randomTensor([20, 8], 91), y: randomTensor([20, 4], 92) };
const momentum = () => tf.train.momentum(0.05, 0.9);
const compile = (model: tf.LayersModel, optimizer: tf.Optimizer = momentum()) =>
  model.compile({ optimizer, loss: 'meanSquaredError' });

/** Five batches of four in order, `epochs` times. */
const fit = (model: tf.LayersModel, pruning: ModelPruning | null, epochs = 4) =>
  model.fit(data.x, data.y, {
    epochs,
    batchSize: 4,
    shuffle: false,
    verbose: 0,
    ...(pruning && { callbacks: pruning.callback() }),
  });

const weightsOf = (model: tf.LayersModel) => model.getWeights().map(values);
const masksOf = ({ kernels }: ModelPruning) => kernels.map(({ mask }) => [...mask]);
const added = ({ addedVariables }: ModelPruning) => addedVariables.map(values);

describe.each(Object.entries(strategies))('under %s', (_, pruner) => {
  it.each(Object.keys(models))(
    'model.fit trains a %s model to the same masks and weights as a loop does',
    async (kind) => {
      const [fitted, looped] = [models[kind]?.(), models[kind]?.()] as [tf.LayersModel, tf.LayersModel];
      compile(fitted);
      compile(looped);
      const a = await sparsify(fitted, pruner, target);
      const b = await sparsify(looped, pruner, target);
      await fit(fitted, a);
      for (let step = 0; step < 20; step++) {
        const from = [(step % 5) * 4, 0];
        await looped.trainOnBatch(data.x.slice(from, [4, 8]), data.y.slice(from, [4, 4]));
        await b.step();
      }
      expect(masksOf(b)).toEqual(masksOf(a));
      expect(added(b)).toEqual(added(a));
      expect(await b.finalize()).toEqual(await a.finalize());
      expect(weightsOf(looped)).toEqual(weightsOf(fitted));
    },
  );

  it('a hand-written network of variables comes to the same masks and weights as the model', async () => {
    const model = sequential();
    compile(model);
    const ofModel = await sparsify(model, pruner, target);
    await fit(model, ofModel);

    const [w1, b1, w2, b2] = sequential()
      .getWeights()
      .map((w) => tf.variable(w)) as [tf.Variable, tf.Variable, tf.Variable, tf.Variable];
    const optimizer = momentum();
    const pruning = await sparsify({ w1, w2 }, pruner, { ...target, optimizer });
    for (let step = 0; step < 20; step++) {
      const from = [(step % 5) * 4, 0];
      const [x, y] = [data.x.slice(from, [4, 8]), data.y.slice(from, [4, 4])];
      const loss = () => {
        const hidden = x.matMul(pruning.weight('w1')).add(b1).tanh();
        return tf.losses.meanSquaredError(y, hidden.matMul(pruning.weight('w2')).add(b2)) as tf.Scalar;
      };
      optimizer.minimize(loss, false, [w1, b1, w2, b2, ...pruning.addedVariables]);
      await pruning.step();
    }
    expect(pruning.kernels.map(({ mask }) => [...mask])).toEqual(masksOf(ofModel));
    await pruning.finalize();
    await ofModel.finalize();
    [w1, b1, w2, b2].forEach((w, i) => expectClose(values(w), weightsOf(model)[i] as number[], 1e-4));
  });

  it.each(Object.keys(models))(
    'finalize gives a plain %s model back, that predicts as before, saves, loads and trains on',
    async (kind) => {
      const model = (models[kind] as () => tf.LayersModel)();
      compile(model);
      const shapes = model.weights.map(({ name, shape }) => ({ name, shape }));
      const losses = model.losses.length;
      const pruning = await sparsify(model, pruner, target);
      await fit(model, pruning);
      const before = values(model.predict(data.x) as tf.Tensor);
      const report = await pruning.finalize();

      expect(report.achieved.prunedLayers).toBe(0.75);
      expect(values(model.predict(data.x) as tf.Tensor)).toEqual(before);
      expect(model.weights.map(({ name, shape }) => ({ name, shape }))).toEqual(shapes);
      expect(model.losses).toHaveLength(losses);
      for (const { variable, mask } of pruning.kernels) {
        const plain = values(variable);
        expect(plain).toEqual(zeroOutside(plain, mask, variable.shape as [number, number], [2, 2]));
        // A weight below zero times a mask of zero is −0, which a file without the block does not bring back.
        expect(variable.dataSync().some((weight) => Object.is(weight, -0))).toBe(false);
      }

      let saved: tf.io.ModelArtifacts | undefined;
      await model.save(
        tf.io.withSaveHandler(async (artifacts) => {
          saved = artifacts;
          return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
        }),
      );
      const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved as tf.io.ModelArtifacts));
      expect(values(loaded.predict(data.x) as tf.Tensor)).toEqual(before);

      const warn = vi.spyOn(console, 'warn');
      const history = await fit(model, null, 2);
      expect(warn).not.toHaveBeenCalled();
      expect(history.history['loss']?.every((loss) => Number.isFinite(loss))).toBe(true);
      expect(values(model.predict(data.x) as tf.Tensor)).not.toEqual(before);
      warn.mockRestore();
    },
  );

  it('the weights that a run ends with do not depend on whether the model is compiled before or after', async () => {
    const results = [];
    for (const early of [true, false]) {
      const model = sequential();
      if (early) compile(model);
      const pruning = await sparsify(model, pruner, target);
      if (!early) compile(model);
      await fit(model, pruning);
      await pruning.finalize();
      results.push(weightsOf(model));
    }
    expect(results[0]).toEqual(results[1]);
  });
});

describe('the logits of a model', () => {
  it.each(Object.entries(models))(
    'train when it is a %s model, compiled before sparsify',
    async (_, make) => {
      const model = make();
      compile(model);
      const pruning = await sparsify(model, byAttention(), target);
      await fit(model, pruning, 1);
      expect(added(pruning)).toHaveLength(2);
      for (const logits of added(pruning)) expect(logits.every((l) => l !== 0)).toBe(true);
    },
  );

  it('decay under the L2 regularizer of their kernel, and only under one', async () => {
    // Inputs of zero give kernel and logits no gradient but the decay's: w ← w − η · 2λ · w.
    for (const [regularizer, factor] of [
      [tf.regularizers.l2({ l2: 0.1 }), 1 - 0.5 * 2 * 0.1],
      [undefined, 1],
    ] as const) {
      const model = functional(regularizer);
      compile(model, tf.train.sgd(0.5));
      const pruning = await sparsify(model, byAttention(), target);
      const [logits] = pruning.addedVariables as [tf.Variable];
      logits.assign(randomTensor(logits.shape, 5));
      const before = [logits, pruning.kernels[0]?.variable as tf.Variable].map(values);
      await model.trainOnBatch(tf.zeros([4, 8]), tf.zeros([4, 4]));
      const after = [logits, pruning.kernels[0]?.variable as tf.Variable].map(values);
      before.forEach((old, i) =>
        expectClose(
          after[i] as number[],
          old.map((w) => w * factor),
          1e-6,
        ),
      );
    }
  });

  it.each([0.75, 0.5])('scale no block by less than d or more than 1/d, at s = %s', async (sparsity) => {
    const pruning = await sparsify(functional(), byAttention(), { ...target, sparsity });
    const [kernel] = pruning.kernels;
    tf.tidy(() => kernel?.trainables['logits']?.assign(tf.linspace(-9, 9, 16).reshape([4, 4])));
    const raw = values(kernel?.variable as tf.Variable);
    const scales = tf.tidy(() =>
      values(kernel?.effective() as tf.Tensor).map((w, i) => w / (raw[i] as number)),
    );
    expect(Math.min(...scales)).toBeCloseTo(1 - sparsity, 5);
    expect(Math.max(...scales)).toBeCloseTo(1 / (1 - sparsity), 5);
    await pruning.finalize();
  });

  it("do not decay a kernel's neighbours, nor leave a loss behind", async () => {
    const model = functional(tf.regularizers.l2({ l2: 0.1 }));
    const [, first, second] = model.layers as [unknown, tf.layers.Layer, tf.layers.Layer];
    const pruning = await sparsify(model, byAttention(), target);
    expect([first.losses.length, second.losses.length]).toEqual([2, 0]);
    await pruning.finalize();
    expect([first.losses.length, second.losses.length]).toEqual([1, 0]);
  });
});

describe('a model that was in training already', () => {
  it.each(['momentum', 'adam', 'adamax', 'rmsprop', 'adagrad', 'adadelta'] as const)(
    'goes on under %s when weights join those that train, and when they leave again',
    async (name) => {
      const model = sequential();
      compile(
        model,
        name === 'momentum' ? momentum() : name === 'rmsprop' ? tf.train.rmsprop(0.01) : tf.train[name](0.01),
      );
      await fit(model, null, 1);
      const pruning = await sparsify(model, byAttention(alternatingWithSparsification(shortPlan)), target);
      await fit(model, pruning);
      await pruning.finalize();
      await fit(model, null, 1);
      expect(weightsOf(model).flat().every(Number.isFinite)).toBe(true);
    },
  );
});

describe('what is pruned', () => {
  it('is every kernel of 100 blocks or more, unless another minimum is set', async () => {
    // 20 × 20 is 100 blocks of 2 × 2; 20 × 18 is 90.
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ name: 'a', units: 20, inputShape: [20] }),
        tf.layers.dense({ name: 'b', units: 18 }),
      ],
    });
    const { minimumBlocks: _, ...byDefault } = target;
    const pruning = await sparsify(model, byMagnitude(), { ...byDefault, optimizer: null });
    const report = await pruning.finalize();
    expect(report.pruned.map(({ name }) => name)).toEqual(['a/kernel']);
    expect(report.dense).toEqual([
      { name: 'b/kernel', shape: [20, 18], reason: '90 blocks, fewer than 100' },
    ]);
    // 75 of 100 blocks of four weights, of 400 + 20 + 360 + 18 in all.
    expect(report.achieved).toEqual({ prunedLayers: 0.75, model: 300 / 798 });
  });

  it('leaves out what was not chosen, and what a block is larger than', async () => {
    const model = functional();
    const pruning = await sparsify(model, byMagnitude(), {
      ...target,
      blockShape: [1, 5],
      kernels: (name) => name !== 'nothing',
    });
    expect((await pruning.finalize()).dense).toEqual([
      { name: 'second/kernel', shape: [8, 4], reason: 'a block is larger than its 8×4 matrix' },
    ]);
    const chosen = await sparsify(model, byMagnitude(), {
      ...target,
      kernels: (name) => name.startsWith('second'),
    });
    expect((await chosen.finalize()).dense).toEqual([
      { name: 'first/kernel', shape: [8, 8], reason: 'not chosen' },
    ]);
  });

  it('leaves variables of one axis dense, and counts them in the model', async () => {
    const variables = { w: tf.variable(randomTensor([4, 4])), b: tf.variable(tf.ones([4])) };
    const pruning = await sparsify(variables, byMagnitude(), { ...target, optimizer: null });
    expect(pruning.weight('b')).toBe(variables.b);
    const report = await pruning.finalize();
    expect(report.dense).toEqual([{ name: 'b', shape: [4], reason: 'not a kernel: it has one axis' }]);
    expect(report.achieved.model).toBe(12 / 20);
  });

  it.each([
    ['global', global],
    ['Erdős–Rényi', erdosRenyiKernel],
  ] as const)(
    'is shared over the layers by %s allocation when asked for, from the first step to the last',
    async (name, allocation) => {
      const model = sequential();
      compile(model);
      const pruning = await sparsify(model, byMagnitude(alternating(shortPlan)), { ...target, allocation });
      await fit(model, pruning);
      const report = await pruning.finalize();
      const kept = report.pruned.map(({ keptBlocks }) => keptBlocks);
      // Blocks 16 and 8. Erdős–Rényi: Σ/Π = 16/64 = 0.25 and 12/32 = 0.375; ε = 6 / (4 + 3) = 6/7; densities 0.214 and
      // 0.321: 3 (3.43) and 3 (2.57) blocks. Global: 24 · 0.25 = 6 in all.
      if (name === 'global') expect((kept[0] as number) + (kept[1] as number)).toBe(6);
      else expect(kept).toEqual([3, 3]);
    },
  );
});

describe('a run over a model', () => {
  it('that ends in its dense phase is pruned to the target by magnitude', async () => {
    const model = sequential();
    const plain = weightsOf(model);
    const pruning = await sparsify(model, byMagnitude(), target);
    await pruning.finalize();
    const [first] = weightsOf(model) as [number[]];
    expect(first).toEqual(
      zeroOutside(
        plain[0] as number[],
        naiveTopK(naiveNorms(plain[0] as number[], [8, 8], [2, 2]), 4),
        [8, 8],
        [2, 2],
      ),
    );
  });

  it('evaluates and predicts with the masked weights in between', async () => {
    const model = sequential();
    const pruning = await sparsify(model, byMagnitude(gradual({ start: 0, end: 1 })), {
      ...target,
      optimizer: null,
    });
    const dense = values(model.predict(data.x) as tf.Tensor);
    for (let step = 0; step < 10; step++) await pruning.step();
    const sparse = values(model.predict(data.x) as tf.Tensor);
    expect(sparse).not.toEqual(dense);
    await pruning.finalize();
    expect(pruning.stepsDone).toBe(10);
  });

  it('of sparsity 0 prunes nothing and predicts as trained', async () => {
    for (const pruner of Object.values(strategies)) {
      const model = sequential();
      compile(model);
      const pruning = await sparsify(model, pruner, { ...target, sparsity: 0 });
      await fit(model, pruning);
      expect((await pruning.finalize()).achieved).toEqual({ prunedLayers: 0, model: 0 });
    }
  });

  it('cannot be begun while another holds the model, and can once that one is finalized', async () => {
    const model = sequential();
    const first = await sparsify(model, byMagnitude(), target);
    const predicted = values(model.predict(data.x) as tf.Tensor);
    await expect(sparsify(model, byAttention(), target)).rejects.toThrow(
      'first/kernel is under pruning already: finalize() or abandon() that run first',
    );
    expect(values(model.predict(data.x) as tf.Tensor)).toEqual(predicted);
    await first.finalize();
    await (await sparsify(model, byAttention(), target)).finalize();
  });

  it('cannot be begun twice over a variable either', async () => {
    const w = tf.variable(randomTensor([8, 8]));
    const first = await sparsify({ w }, byAttention(), { ...target, optimizer: null });
    await expect(sparsify({ w }, byAttention(), { ...target, optimizer: null })).rejects.toThrow(
      'w is under pruning already',
    );
    await first.finalize();
    await (await sparsify({ w }, byAttention(), { ...target, optimizer: null })).finalize();
  });

  it('refuses a step after finalize, from model.fit as well', async () => {
    const model = sequential();
    compile(model);
    const pruning = await sparsify(model, byMagnitude(), target);
    await pruning.finalize();
    await expect(fit(model, pruning)).rejects.toThrow(
      'This pruning run has ended: start another with sparsify()',
    );
  });

  it('says what to do when the optimiser to reset is not known, and takes null for none', async () => {
    const model = sequential();
    const pruning = await sparsify(model, byMagnitude(), target);
    await expect(pruning.step()).rejects.toThrow(
      'compile it, or pass `optimizer` to sparsify() (null for one without a state)',
    );
    expect(pruning.stepsDone).toBe(0);
    await pruning.finalize();
    const without = await sparsify(model, byMagnitude(), { ...target, optimizer: null });
    await without.step();
    await without.finalize();
  });
});

describe('bad input', () => {
  const refused = (model: tf.LayersModel, changed: Partial<Target>, pruner: Pruner = byMagnitude()) =>
    expect(sparsify(model, pruner, { ...target, ...changed })).rejects;

  it.each([1, 1.5, -0.1, Number.NaN, Infinity])(
    'of sparsity %s is refused by name and value',
    async (sparsity) => {
      await refused(sequential(), { sparsity }).toThrow(
        `sparsity = ${sparsity} is not a number from 0 and under 1 (0.9 prunes 90% of the blocks)`,
      );
    },
  );

  it.each([[[0, 2]], [[2]], [[2, 2, 2]], [[1.5, 2]], [[2, Number.NaN]]])(
    'of block shape %j is refused',
    async (blockShape) => {
      await refused(sequential(), { blockShape: blockShape as unknown as [number, number] }).toThrow(
        `Block shape [${blockShape.join(', ')}] is not two whole numbers of at least 1`,
      );
    },
  );

  it('that leaves nothing to prune is refused, with the reason for each kernel and what to change', async () => {
    await refused(sequential(), { blockShape: [16, 16] }).toThrow(
      'No kernel can be pruned in blocks of 16×16: first/kernel [8×8]: a block is larger than its 8×8 matrix; ' +
        'second/kernel [8×4]: a block is larger than its 8×4 matrix. Choose a smaller block shape, or lower minimumBlocks',
    );
    await refused(sequential(), { minimumBlocks: 100 }).toThrow(
      'first/kernel [8×8]: 16 blocks, fewer than 100',
    );
    await refused(sequential(), { kernels: () => false }).toThrow('first/kernel [8×8]: not chosen');
  });

  it('of a model without kernels, or without layers, is refused', async () => {
    const message =
      'There is no trainable kernel to prune: build the model, or unfreeze a layer with a kernel';
    const flat = tf.sequential({ layers: [tf.layers.flatten({ inputShape: [2, 2] })] });
    await refused(flat, {}).toThrow(message);
    await refused(tf.sequential(), {}).toThrow(message);
  });

  it('of minimumBlocks or totalSteps is refused', async () => {
    await refused(sequential(), { minimumBlocks: 0 }).toThrow(
      'minimumBlocks = 0 is not a whole number of at least 1',
    );
    await refused(sequential(), { totalSteps: Number.NaN }).toThrow(
      'totalSteps = NaN is not a whole number of at least 1',
    );
    await refused(sequential(), { totalSteps: 3 }, byMagnitude(alternating(shortPlan))).toThrow(
      '6 phases do not fit into 3 steps',
    );
  });

  it('leaves the model as it was', async () => {
    const model = sequential();
    const [weights, predicted] = [weightsOf(model), values(model.predict(data.x) as tf.Tensor)];
    const before = tf.memory().numTensors;
    for (const bad of [{ sparsity: 2 }, { blockShape: [9, 9] as const }, { totalSteps: 1 }]) {
      await refused(model, bad, byAttention()).toThrow(RangeError);
    }
    expect(tf.memory().numTensors).toBe(before);
    expect(weightsOf(model)).toEqual(weights);
    expect(values(model.predict(data.x) as tf.Tensor)).toEqual(predicted);
  });

  it('of what is no model and no variable is refused', async () => {
    const none = { optimizer: null, ...target };
    await expect(sparsify({ w: tf.ones([8, 8]) as tf.Variable }, byMagnitude(), none)).rejects.toThrow(
      'sparsify() takes a tf.LayersModel, or an object of tf.Variables by name: it is given a float32 tensor of shape [8, 8] as w',
    );
    await expect(sparsify({}, byMagnitude(oneShot()), none)).rejects.toThrow(
      'it is given no variable at all',
    );
  });

  it('of a variable name that is not under pruning is refused, with the names that are', async () => {
    const pruning = await sparsify({ w1: tf.variable(randomTensor([8, 8])) }, byMagnitude(), {
      ...target,
      optimizer: null,
    });
    for (const name of ['w2', 'toString']) {
      expect(() => pruning.weight(name)).toThrow(`No variable '${name}' is under pruning: it has w1`);
    }
  });
});
