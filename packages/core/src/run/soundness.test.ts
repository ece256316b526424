/** A run that was not trained as it was meant says so. */
import '@tensorflow/tfjs-backend-wasm';

import { DivergedError } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';

import type { Pruner } from '../pruner.js';
import { byMagnitude, randomTensor, strategies, values } from '../test-support.js';
import { sparsify, type ModelPruning } from './sparsify.js';
import type { Target } from './target.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

const target: Target = { sparsity: 0.75, blockShape: [2, 2], totalSteps: 20, minimumBlocks: 1 };
const spp = strategies['SequentialAttention++'] as Pruner;

function build(): tf.Sequential {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({
        units: 8,
        inputShape: [6],
        activation: 'tanh',
        kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }),
      }),
      tf.layers.dense({ units: 4, kernelInitializer: tf.initializers.glorotUniform({ seed: 4 }) }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
  return model;
}

const x = () => randomTensor([32, 6], 7);
const y = () => randomTensor([32, 4], 8);

async function train(model: tf.LayersModel, pruning: ModelPruning, steps: number): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await model.trainOnBatch(x(), y());
    await pruning.step();
  }
}

const fitted = (model: tf.LayersModel, callbacks?: unknown) =>
  model.fit(x(), y(), { epochs: 5, batchSize: 8, verbose: 0, callbacks: callbacks as tf.CustomCallbackArgs });

describe('fit', () => {
  it('without the callback warns at the first batch, once, and finalize refuses', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const model = build();
    const pruning = await sparsify(model, spp, target);
    await fitted(model);
    const batches = tf.data.array([{ xs: x(), ys: y() }]) as tf.data.Dataset<never>;
    await model.fitDataset(batches, { epochs: 2, verbose: 0 });
    const said = warn.mock.calls.map(([line]) => String(line)).filter((line) => line.startsWith('fit()'));
    warn.mockRestore();
    expect(said).toHaveLength(2);
    expect(said[0]).toMatch(/the run is not told of the steps.*`callbacks: pruning\.callback\(\)`/);
    expect(pruning.stepsDone).toBe(0);
    await expect(pruning.finalize()).rejects.toThrow('was not told of a single step');
    pruning.abandon();
  });

  const order: string[] = [];
  const plain = { onBatchEnd: () => void order.push('plain') };
  class Own extends tf.Callback {
    override async onBatchEnd(): Promise<void> {
      order.push('class');
    }
  }
  it.each<[string, (pruning: ModelPruning) => unknown, number]>([
    ['the callback', (pruning) => pruning.callback(), 0],
    ['the run itself', (pruning) => pruning, 0],
    ['a list of it', (pruning) => [pruning.callback()], 0],
    ['the callback, then a plain object', (pruning) => [pruning.callback(), plain], 20],
    ['a plain object, then the callback', (pruning) => [plain, pruning.callback()], 20],
    ['the run, a plain object and a class', (pruning) => [pruning, plain, new Own()], 40],
    ['a class, the callback and a plain object', (pruning) => [new Own(), pruning.callback(), plain], 40],
    ['one of its own that steps', (pruning) => ({ onBatchEnd: () => pruning.step() }), 0],
    [
      'tfjs’ early stopping beside it',
      (pruning) => [pruning.callback(), tf.callbacks.earlyStopping({ monitor: 'loss', patience: 50 }), plain],
      20,
    ],
  ])('takes %s', async (_, callbacks, calls) => {
    const model = build();
    const pruning = await sparsify(model, spp, target);
    order.length = 0;
    await fitted(model, callbacks(pruning));
    expect(pruning.stepsDone).toBe(20);
    expect(order.length).toBe(calls);
    const report = await pruning.finalize();
    expect(report).toMatchObject({
      stepsDone: 20,
      stepsPlanned: 20,
      phase: 'sparse',
      cutAtEnd: 0,
      warnings: [],
    });
    expect(Object.hasOwn(model, 'fit')).toBe(false);
  });
});

describe('finalize', () => {
  it('of a model that was trained, and of which no step was told, is refused, with the ways out', async () => {
    const model = build();
    const pruning = await sparsify(model, byMagnitude(), target);
    await model.trainOnBatch(x(), y());
    await expect(pruning.finalize()).rejects.toThrow(
      /was not told of a single step: .*pruning\.callback\(\).*await pruning\.step\(\).*abandon\(\)/,
    );
    pruning.abandon();
  });

  it('at once prunes what was trained before, and says that no step was', async () => {
    const pruning = await sparsify(build(), byMagnitude(), target);
    expect((await pruning.finalize()).warnings).toEqual([
      'The run ended after 0 of 20 steps, in a dense phase: finalize() itself cut 15 of 20 blocks, and nothing was ' +
        'trained after',
    ]);
  });

  it('in a dense phase tells what it cut', async () => {
    const model = build();
    const pruning = await sparsify(model, spp, target);
    await train(model, pruning, 2);
    const report = await pruning.finalize();
    expect(report).toMatchObject({ stepsDone: 2, stepsPlanned: 20, phase: 'dense', cutAtEnd: 15 });
    expect(report.warnings).toHaveLength(1);
  });

  it('after more steps than were planned says so', async () => {
    const model = build();
    const pruning = await sparsify(model, spp, { ...target, totalSteps: 10 });
    await train(model, pruning, 15);
    expect(pruning.stepsDone).toBe(10);
    const report = await pruning.finalize();
    expect(report).toMatchObject({ stepsDone: 15, stepsPlanned: 10 });
    expect(report.warnings[0]).toMatch(/^The run was told of 15 steps, and planned for 10/);
  });

  it('of steps that trained nothing says so', async () => {
    const model = build();
    const pruning = await sparsify(model, byMagnitude(), target);
    await train(model, pruning, 15);
    for (let i = 0; i < 5; i++) await pruning.step();
    expect((await pruning.finalize()).warnings).toEqual(['In 15 of 20 steps a kernel was trained']);
  });
});

describe('a step that is not waited for', () => {
  it('is refused where the next comes before it has ended, and by finalize', async () => {
    const model = build();
    const pruning = await sparsify(model, byMagnitude(), { ...target, totalSteps: 2 });
    await model.trainOnBatch(x(), y());
    const first = pruning.step();
    await expect(pruning.step()).rejects.toThrow(
      /^step\(\) was called before step\(\) had ended: wait for each, `await pruning\.step\(\)`/,
    );
    await first;
    await expect(pruning.finalize()).rejects.toThrow('was called before step() had ended');
    pruning.abandon();
  });

  it('is refused where the model is trained while it chooses', async () => {
    const model = build();
    const pruning = await sparsify(model, byMagnitude(), { ...target, totalSteps: 2 });
    const { variable } = pruning.kernels[0]!;
    await model.trainOnBatch(x(), y());
    const step = pruning.step();
    tf.tidy(() => model.optimizer.applyGradients({ [variable.name]: tf.ones(variable.shape) }));
    await expect(step).rejects.toThrow(/^The model was trained while pruning\.step\(\) was choosing/);
    await expect(pruning.finalize()).rejects.toThrow('The model was trained while');
    pruning.abandon();
  });

  it('and a run that was abandoned meanwhile comes to nothing', async () => {
    const model = build();
    const pruning = await sparsify(model, byMagnitude(), { ...target, totalSteps: 2 });
    await model.trainOnBatch(x(), y());
    const step = pruning.step();
    pruning.abandon();
    await step;
    expect(model.getWeights()).toEqual(model.weights.map((weight) => weight.read()));
  });
});

describe('logits that no optimiser holds', () => {
  const message = /^(\S+) was trained, and the logits that its strategy added to it were not/;

  it('are warned of at the first step, and refused at the first choice: a model inside another', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const backbone = build();
    const input = tf.input({ shape: [6] });
    const head = tf.layers.dense({ units: 4 });
    const outer = tf.model({
      inputs: input,
      outputs: head.apply(backbone.apply(input)) as tf.SymbolicTensor,
    });
    outer.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    const pruning = await sparsify(backbone, spp, { ...target, optimizer: outer.optimizer });
    await outer.trainOnBatch(x(), y());
    await pruning.step();
    const said = warn.mock.calls.map(([line]) => String(line)).filter((line) => message.test(line));
    warn.mockRestore();
    expect(said).toHaveLength(1);
    await expect(pruning.finalize()).rejects.toThrow(/with `kernels` to choose/);
    await expect(train(outer, pruning, 20)).rejects.toThrow(message);
    expect(pruning.stepsDone).toBeLessThan(6);
    pruning.abandon();
  });

  it('the way out works: the outer model, and `kernels`', async () => {
    const backbone = build();
    const input = tf.input({ shape: [6] });
    const head = tf.layers.dense({ units: 4 });
    const outer = tf.model({
      inputs: input,
      outputs: head.apply(backbone.apply(input)) as tf.SymbolicTensor,
    });
    outer.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    const kernels = (name: string) => name.startsWith(`${backbone.name}/`);
    const pruning = await sparsify(outer, spp, { ...target, kernels });
    await train(outer, pruning, 20);
    expect((await pruning.finalize()).warnings).toEqual([]);
  });

  it('in a loop with a list of variables that was made before', async () => {
    const w = tf.variable(randomTensor([6, 8], 1));
    const optimizer = tf.train.sgd(0.1);
    const pruning = await sparsify({ w }, spp, { ...target, optimizer });
    const step = async (trained: tf.Variable[]) => {
      const loss = () =>
        tf
          .matMul(x(), pruning.weight('w') as tf.Tensor2D)
          .square()
          .mean<tf.Scalar>();
      optimizer.minimize(loss, false, trained);
      await pruning.step();
    };
    await step([w]);
    await expect(pruning.finalize()).rejects.toThrow(message);
    await step(pruning.addedVariables); // In turns, perhaps by optimisers of their own.
    await pruning.finalize();
  });
});

describe('what the user does beside the optimiser', () => {
  const clip = (pruning: ModelPruning) =>
    tf.tidy(() => pruning.kernels.forEach(({ variable }) => variable.assign(variable.clipByValue(-1, 1))));

  it('is no training: weights are set before, clipped and averaged between', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const model = build();
    const pruning = await sparsify(model, spp, target);
    model.setWeights(
      tf.tidy(() =>
        build()
          .getWeights()
          .map((weight) => tf.clone(weight)),
      ),
    );
    await fitted(model, [pruning.callback(), { onBatchEnd: () => clip(pruning) }]);
    expect(warn.mock.calls.filter(([line]) => String(line).startsWith('fit()'))).toEqual([]);
    warn.mockRestore();
    await pruning.checkpoint();
    expect((await pruning.finalize()).warnings).toEqual([]);
  });

  it('weights that are set before an end without training are pruned', async () => {
    const model = build();
    const pruning = await sparsify(model, byMagnitude(), target);
    model.setWeights(
      tf.tidy(() =>
        build()
          .getWeights()
          .map((weight) => tf.clone(weight)),
      ),
    );
    await pruning.finalize();
  });

  it('weights that are read and set in a sparse phase leave what the mask leaves out as it was', async () => {
    const masks = { ...strategies['AC/DC'] } as Pruner;
    const pruner = { ...masks, search: { ...masks.search, prunedWeights: 'masked' } } as Pruner;
    const model = build();
    const pruning = await sparsify(model, pruner, target);
    await train(model, pruning, 5);
    expect(pruning.sparsity).toBeGreaterThan(0.5);
    const raw = pruning.kernels.map(({ variable }) => values(variable));
    model.setWeights(tf.tidy(() => model.getWeights().map((weight) => tf.clone(weight))));
    expect(pruning.kernels.map(({ variable }) => values(variable))).toEqual(raw);
    pruning.abandon();
  });

  it('a model that is disposed of in the midst of a run can be abandoned', async () => {
    const model = build();
    const pruning = await sparsify(model, spp, target);
    await train(model, pruning, 7);
    model.dispose();
    pruning.abandon();
    expect(Object.hasOwn(model, 'fit')).toBe(false);
  });

  it('a checkpoint between training and step() is refused, and one during a step waits', async () => {
    const model = build();
    const pruning = await sparsify(model, spp, target);
    await train(model, pruning, 3);
    await model.trainOnBatch(x(), y());
    await expect(pruning.checkpoint()).rejects.toThrow('take the checkpoint after step()');
    const [, checkpoint] = await Promise.all([pruning.step(), pruning.checkpoint()]);
    expect(pruning.stepsDone).toBe(4);
    await train(model, pruning, 5);
    await pruning.resume(checkpoint);
    expect(pruning.stepsDone).toBe(4);
    pruning.abandon();
  });
});

describe('a run that cannot begin', () => {
  it('as a later kernel cannot be parameterised leaves the earlier as they were', async () => {
    const model = build();
    const before = model.getWeights().map(values);
    const pruner: Pruner = {
      ...byMagnitude(),
      parameterisation: {
        name: 'half',
        elementwise: (raw) => raw.mul(2),
        raw: (weight) => {
          if (weight.shape[1] === 4) throw new Error('not this one');
          return weight.div(2);
        },
      },
    };
    await expect(sparsify(model, pruner, target)).rejects.toThrow('not this one');
    expect(model.getWeights().map(values)).toEqual(before);
    (await sparsify(model, byMagnitude(), target)).abandon();
  });

  it('as two names are of one variable says so', async () => {
    const w = tf.variable(randomTensor([8, 8], 1));
    await expect(sparsify({ a: w, b: w }, byMagnitude(), { ...target, optimizer: null })).rejects.toThrow(
      'a and b are one variable: name it once',
    );
  });
});

describe('numbers that are not finite', () => {
  it.each([Number.NaN, Infinity, -Infinity])('%s in any weight ends in DivergedError', async (value) => {
    for (const at of [0, 1, 2, 3]) {
      const model = build();
      const pruning = await sparsify(model, byMagnitude(), target);
      const weight = model.weights[at]!.read() as tf.Variable;
      tf.tidy(() => weight.assign(tf.fill(weight.shape, value)));
      await pruning.step();
      await expect(pruning.finalize()).rejects.toThrow(DivergedError);
      pruning.abandon();
    }
  });

  it('of the effective weight alone do so, too', async () => {
    const cube: Pruner = {
      ...byMagnitude(),
      parameterisation: { name: 'cube', elementwise: (raw) => raw.pow(3) },
    };
    const pruning = await sparsify(build(), cube, target);
    tf.tidy(() => pruning.kernels[0]!.variable.assign(tf.fill([6, 8], 1e20)));
    await pruning.step();
    await expect(pruning.finalize()).rejects.toThrow(DivergedError);
    pruning.abandon();
  });

  it('in what a strategy added do so, too', async () => {
    const pruning = await sparsify(build(), spp, target);
    tf.tidy(() => pruning.addedVariables[1]!.assign(tf.fill([4, 2], Infinity)));
    await expect(pruning.finalize()).rejects.toThrow(/^Not every number of logits of \S+\/kernel is finite$/);
    pruning.abandon();
  });
});

describe('whatever scope the caller opens', () => {
  it.each(Object.entries(strategies))('%s outlives it', async (_, pruner) => {
    const model = build();
    const pruning = await sparsify(model, pruner, target);
    for (let epoch = 0; epoch < 5; epoch++) {
      tf.engine().startScope();
      await model.fit(x(), y(), { batchSize: 8, verbose: 0, callbacks: pruning.callback() });
      model.getWeights();
      tf.engine().endScope();
      model.predict(x());
    }
    tf.engine().startScope();
    const checkpoint = await pruning.checkpoint();
    await pruning.resume(checkpoint);
    tf.engine().endScope();
    model.predict(x());
    await pruning.finalize({ keepZeros: true });
    model.predict(x());
    pruning.release();
  });

  it('a run that starts inside one outlives it', async () => {
    const model = build();
    tf.engine().startScope();
    const pruning = await sparsify(model, spp, target);
    tf.engine().endScope();
    await train(model, pruning, 20);
    await pruning.finalize();
  });
});

describe('training after the run', () => {
  const zeros = (model: tf.LayersModel) =>
    [0, 2].map((i) => values(model.getWeights()[i]!).filter((value) => value === 0).length);

  it.each([
    ['sgd', () => tf.train.sgd(0.1)],
    ['momentum', () => tf.train.momentum(0.1, 0.9)],
    ['adam', () => tf.train.adam(0.01)],
  ] as const)('keeps the zeros where that is asked for, under %s', async (_, optimizer) => {
    const model = build();
    const pruning = await sparsify(model, spp, target);
    await train(model, pruning, 20);
    await pruning.finalize({ keepZeros: true });
    const before = values(model.getWeights()[0]!);
    model.compile({ optimizer: optimizer(), loss: 'meanSquaredError' });
    await fitted(model);
    expect(zeros(model)).toEqual([48 - 3 * 4, 32 - 2 * 4]);
    expect(values(model.getWeights()[0]!)).not.toEqual(before);
    expect(values(model.weights[0]!.read()).filter((value) => value === 0)).toHaveLength(36);
    expect(model.weights).toHaveLength(4);
    const dense = tf.tidy(() => model.getWeights().map((weight) => tf.ones(weight.shape)));
    expect(() => model.setWeights(dense)).toThrow('are not zero in blocks that are pruned now');
    await expect(sparsify(model, spp, target)).rejects.toThrow(/^The zeros of \S+ are kept .*release\(\)/);
    pruning.release();
    await fitted(model);
    expect(zeros(model)).toEqual([0, 0]);
  });

  it('leaves nothing behind', async () => {
    const model = build();
    const [input, output] = [x(), y()];
    const before = tf.memory().numTensors;
    const pruning = await sparsify(model, spp, target);
    for (let step = 0; step < 20; step++) {
      tf.dispose(await model.trainOnBatch(input, output));
      await pruning.step();
    }
    await pruning.finalize({ keepZeros: true });
    pruning.release();
    pruning.release();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('and a second run prunes further', async () => {
    const model = build();
    const first = await sparsify(model, spp, { ...target, sparsity: 0.5 });
    await train(model, first, 20);
    const kept = (await first.finalize({ keepZeros: true })).pruned.map(({ keptBlocks }) => keptBlocks);
    expect(kept).toEqual([6, 4]);
    first.release();
    const second = await sparsify(model, spp, { ...target, sparsity: 0.75 });
    await train(model, second, 20);
    expect((await second.finalize()).pruned.map(({ keptBlocks }) => keptBlocks)).toEqual([3, 2]);
  });

  it('release() before the end is refused', async () => {
    const pruning = await sparsify(build(), spp, target);
    expect(() => pruning.release()).toThrow('goes on still');
    pruning.abandon();
  });
});

describe('whether the masks are at the target', () => {
  it('is told at every step, as the masks are', async () => {
    const model = build();
    const pruning = await sparsify(model, spp, target);
    for (let step = 0; step < 20; step++) {
      expect(pruning.atTarget, `step ${step}`).toBe(pruning.sparsity >= 0.74);
      await train(model, pruning, 1);
    }
    expect(pruning.atTarget).toBe(true);
    expect((await pruning.finalize()).cutAtEnd).toBe(0);
  });
});
