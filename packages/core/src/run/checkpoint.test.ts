import '@tensorflow/tfjs-backend-wasm';

import { checksum } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { global } from '../allocation.js';
import type { Pruner } from '../pruner.js';
import { gradientNorm } from '../importances.js';
import { densePhase } from '../search/phases.js';
import { byMagnitude, randomTensor, strategies, values } from '../test-support.js';
import { sparsify, type ModelPruning } from './sparsify.js';
import type { Target } from './target.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const target: Target = { sparsity: 0.75, blockShape: [2, 2], totalSteps: 20, minimumBlocks: 1 };
const x = () => randomTensor([8, 6], 7);
const y = () => randomTensor([8, 3], 8);

/** 6 → 7 → 3, with batch norm between; its starting weights from a seed. */
function build(optimizer: tf.Optimizer, seed = 1): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 7, inputShape: [6], activation: 'tanh' }),
      tf.layers.batchNormalization(),
      tf.layers.dense({ units: 3 }),
    ],
  });
  tf.tidy(() =>
    model.setWeights(
      model.weights.map(({ shape, originalName }, i) =>
        originalName.endsWith('variance')
          ? tf.ones(shape as number[])
          : randomTensor(shape as number[], seed * 10 + i),
      ),
    ),
  );
  model.compile({ optimizer, loss: 'meanSquaredError' });
  return model;
}

async function train(model: tf.LayersModel, pruning: ModelPruning, steps: number): Promise<void> {
  const [input, output] = [x(), y()];
  for (let step = 0; step < steps; step++) {
    tf.dispose(await model.trainOnBatch(input, output));
    await pruning.step();
  }
  tf.dispose([input, output]);
}

const optimizers: Record<string, () => tf.Optimizer> = {
  sgd: () => tf.train.sgd(0.05),
  momentum: () => tf.train.momentum(0.05, 0.9),
  nesterov: () => tf.train.momentum(0.05, 0.9, true),
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0.5),
  adagrad: () => tf.train.adagrad(0.05),
  adadelta: () => tf.train.adadelta(0.05),
  adam: () => tf.train.adam(0.01),
  adamax: () => tf.train.adamax(0.01),
};

describe.each(Object.entries(optimizers))('under %s', (_, optimizer) => {
  it.each(Object.entries(strategies))(
    '%s goes on from a checkpoint to the last bit',
    async (_name, pruner) => {
      const first = build(optimizer());
      const run = await sparsify(first, pruner, target);
      await train(first, run, 9);
      const checkpoint = await run.checkpoint();
      await train(first, run, 11);
      const report = await run.finalize();

      const second = build(optimizer(), 2);
      const resumed = await sparsify(second, pruner, target);
      await train(second, resumed, 3); // Whatever is not restored will differ.
      await resumed.resume(checkpoint);
      expect(resumed.stepsDone).toBe(9);
      await train(second, resumed, 11);
      expect((await resumed.finalize()).achieved).toEqual(report.achieved);
      expect(second.getWeights().map(values)).toEqual(first.getWeights().map(values));
    },
  );
});

describe('a checkpoint', () => {
  const run = async (pruner: Pruner = byMagnitude(), changed: Partial<Target> = {}, seed = 1) => {
    const model = build(tf.train.adam(0.01), seed);
    return { model, pruning: await sparsify(model, pruner, { ...target, ...changed }) };
  };

  it('keeps the best: the run goes back to it', async () => {
    const { model, pruning } = await run();
    await train(model, pruning, 15);
    const [best, weights] = [await pruning.checkpoint(), model.getWeights().map(values)];
    await train(model, pruning, 5);
    expect(model.getWeights().map(values)).not.toEqual(weights);
    await pruning.resume(best);
    expect(model.getWeights().map(values)).toEqual(weights);
    expect(pruning.stepsDone).toBe(15);
  });

  it('of an allocation by scores holds the densities that they gave', async () => {
    const changed = { allocation: global };
    const { model, pruning } = await run(strategies['SequentialAttention++'], changed);
    await train(model, pruning, 12);
    const again = await run(strategies['SequentialAttention++'], changed, 2);
    await again.pruning.resume(await pruning.checkpoint());
    expect(again.pruning.kernels.map(({ density }) => density)).toEqual(
      pruning.kernels.map(({ density }) => density),
    );
  });

  it('of variables holds them and what was added to them', async () => {
    const start = async (seed: number) => {
      const w = tf.tidy(() => tf.variable(randomTensor([8, 8], seed)));
      const pruner = strategies['SequentialAttention++'] as Pruner;
      return { w, pruning: await sparsify({ w }, pruner, { ...target, optimizer: null }) };
    };
    const [first, second] = [await start(1), await start(2)];
    tf.tidy(() => first.pruning.addedVariables[0]!.assign(randomTensor([4, 4], 3)));
    await second.pruning.resume(await first.pruning.checkpoint());
    expect(values(second.w)).toEqual(values(first.w));
    expect(second.pruning.addedVariables.map(values)).toEqual(first.pruning.addedVariables.map(values));
  });

  it('leaves no tensor behind', async () => {
    const { model, pruning } = await run(strategies['SequentialAttention++']);
    await train(model, pruning, 7);
    const before = tf.memory().numTensors;
    await pruning.resume(await pruning.checkpoint());
    expect(tf.memory().numTensors).toBe(before);
  });

  describe('is refused, and nothing is changed,', () => {
    let checkpoint: Uint8Array;
    let taken: Awaited<ReturnType<typeof run>>;
    let before: unknown;
    beforeAll(async () => {
      const of = await run();
      await train(of.model, of.pruning, 6);
      checkpoint = await of.pruning.checkpoint();
      taken = await run(byMagnitude(), {}, 2);
      before = taken.model.getWeights().map(values);
    });
    afterEach(() => {
      expect(taken.model.getWeights().map(values)).toEqual(before);
      expect(taken.pruning.stepsDone).toBe(0);
    });
    const given = (bytes: Uint8Array) => expect(taken.pruning.resume(bytes)).rejects;

    it('when any of its bytes differs', async () => {
      for (let at = 0; at < checkpoint.length; at += 7) {
        const damaged = checkpoint.slice();
        damaged[at]! ^= 1 << (at % 8);
        await given(damaged).toThrow(/^The checkpoint /);
      }
    });

    it('when it was cut off, is longer, is empty, or no bytes', async () => {
      await given(checkpoint.slice(0, -3)).toThrow('is damaged');
      await given(Uint8Array.from([...checkpoint, 0])).toThrow('is damaged');
      await given(new Uint8Array()).toThrow('does not begin as one that pruning.checkpoint() gave');
      await given('text' as never).toThrow(TypeError);
      await given(JSON.parse(JSON.stringify(checkpoint)) as never).toThrow(
        /a Uint8Array: it is given an object/,
      );
    });

    /** A checkpoint with another header, and the right checksum. */
    const withHeader = (change: (header: Record<string, never>) => void) => {
      const body = checkpoint.subarray(checkpoint.indexOf(10) + 1);
      const end = body.indexOf(10);
      const header = JSON.parse(new TextDecoder().decode(body.subarray(0, end)));
      change(header);
      const changed = [new TextEncoder().encode(`${JSON.stringify(header)}\n`), body.subarray(end + 1)];
      const whole = Buffer.concat(changed);
      return new Uint8Array(Buffer.concat([Buffer.from(`espalier pruning 1 ${checksum(whole)}\n`), whole]));
    };
    it.each<[string, (header: never) => void, string]>([
      [
        'of another strategy',
        (h: { identity: { strategy: string } }) => void (h.identity.strategy = 'acdc'),
        'is of a run with strategy "acdc", this one has "by-magnitude"',
      ],
      [
        'of a longer run',
        (h: { identity: { totalSteps: number } }) => void (h.identity.totalSteps = 40),
        'is of a run with totalSteps 40, this one has 20',
      ],
      [
        'of a slot of whole numbers',
        (h: { entries: { slots: { dtype: string }[] } }) =>
          h.entries.slots.forEach((slot) => (slot.dtype = 'int32')),
        'of int32',
      ],
      [
        'of slots that have changed places',
        (h: { entries: { slots: { name: string }[] } }) => {
          for (const slot of h.entries.slots) {
            if (slot.name === 'accumulatedSecondMoment') slot.name = 'accumulatedFirstMoment';
          }
        },
        'holds a state that a Adam optimiser does not have',
      ],
      [
        'of steps below zero',
        (h: { optimizer: { numbers: object } }) => void (h.optimizer.numbers = { iterations_: -3.5 }),
        '-3.5 steps',
      ],
      [
        'of a mask that keeps nothing',
        (h: { entries: { masks: { shape: number[] }[]; variables: { shape: number[] }[] } }) => {
          // The numbers of the mask go to what follows: other layouts are refused before.
          h.entries.masks[0]!.shape = [0];
        },
        'goes on after its last number',
      ],
      ['of a step there is not', (h: { step: number }) => void (h.step = 21), 'step 21'],
      ['without a step', (h: { step?: number }) => void delete h.step, 'has a header that is not whole'],
      [
        'of other layers',
        (h: { entries: { variables: { name: string }[] } }) =>
          void (h.entries.variables[0]!.name = 'lstm/kernel'),
        'has lstm/kernel',
      ],
      [
        'of fewer variables',
        (h: { entries: { variables: unknown[] } }) => void h.entries.variables.pop(),
        'goes on after its last number',
      ],
      [
        'of another shape',
        (h: { entries: { variables: { shape: number[] }[] } }) =>
          void (h.entries.variables[0]!.shape = [7, 6]),
        'build the model by the same code',
      ],
      [
        'of a shape without end',
        (h: { entries: { variables: { shape: number[] }[] } }) =>
          void (h.entries.variables[0]!.shape = [2 ** 31, 2 ** 31]),
        'ends before',
      ],
      [
        'of a slot that no optimiser has',
        (h: { entries: { slots: { name: string }[] } }) => void (h.entries.slots[0]!.name = 'constructor'),
        "does not have: slots 'constructor'",
      ],
      [
        'under another optimiser',
        (h: { optimizer: { kind: string } }) => void (h.optimizer.kind = 'SGD'),
        'was taken under the optimiser SGD, this run has Adam',
      ],
      [
        'of blocks that there are not',
        (h: { entries: { masks: { name: string }[] } }) => void (h.entries.masks[0]!.name = 'nobody'),
        'The state has no mask',
      ],
    ])('when it is %s', async (_, change, message) => {
      await given(withHeader(change as never)).toThrow(message);
    });
  });
});

describe('a checkpoint of a run that is not alone', () => {
  const three = (frozen: boolean) => {
    const model = tf.sequential({
      layers: [0, 1, 2].map((i) =>
        tf.layers.dense({ units: 6, inputShape: [6], name: `same_${i}`, trainable: !(frozen && i === 0) }),
      ),
    });
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    return model;
  };

  it('gives every layer its own weights, whichever are frozen', async () => {
    const [first, second] = [three(true), three(false)];
    const changed = { ...target, kernels: (name: string) => name !== 'same_0/kernel' };
    const a = await sparsify(first, byMagnitude(), changed);
    const b = await sparsify(second, byMagnitude(), changed);
    await b.resume(await a.checkpoint());
    for (const name of ['same_0', 'same_1', 'same_2']) {
      expect(second.getLayer(name).getWeights().map(values)).toEqual(
        first.getLayer(name).getWeights().map(values),
      );
    }
  });

  it('goes on beside variables that the same optimiser trains', async () => {
    const start = async () => {
      const [w, b] = [tf.variable(randomTensor([8, 8], 1)), tf.variable(randomTensor([3], 2))];
      const optimizer = tf.train.adam(0.1);
      const pruning = await sparsify({ w }, byMagnitude(), { ...target, optimizer });
      const step = async () => {
        optimizer.minimize(
          () => pruning.weight('w').square().sum().add(b.square().sum()) as tf.Scalar,
          false,
          [w, b],
        );
        await pruning.step();
      };
      return { w, b, pruning, step };
    };
    const first = await start();
    for (let i = 0; i < 5; i++) await first.step();
    const [checkpoint, beside] = [await first.pruning.checkpoint(), values(first.b)];
    const second = await start();
    await second.pruning.resume(checkpoint);
    tf.tidy(() => second.b.assign(tf.tensor(beside, [3]) as never));
    for (let i = 0; i < 5; i++) {
      await first.step();
      await second.step();
    }
    expect(values(second.w)).toEqual(values(first.w));
    expect(values(second.b)).toEqual(values(first.b));
  });

  it('of two cells that are called alike keeps the masks of each', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.rnn({
          cell: [tf.layers.lstmCell({ units: 4, name: 'c' }), tf.layers.lstmCell({ units: 4, name: 'c' })],
          inputShape: [3, 4],
        }),
      ],
    });
    const pruning = await sparsify(model, byMagnitude(), { ...target, optimizer: null });
    expect(new Set(pruning.kernels.map(({ name }) => name)).size).toBe(4);
    for (let step = 0; step < 15; step++) await pruning.step();
    const masks = pruning.kernels.map(({ mask }) => [...mask]);
    await pruning.resume(await pruning.checkpoint());
    expect(pruning.kernels.map(({ mask }) => [...mask])).toEqual(masks);
  });

  it('under an optimiser that is derived of one of tfjs goes on to the bit, and leaves nothing behind', async () => {
    class Own extends tf.AdamOptimizer {}
    const make = async () => {
      const model = build(new Own(0.01, 0.9, 0.999));
      return { model, pruning: await sparsify(model, byMagnitude(), target) };
    };
    const first = await make();
    await train(first.model, first.pruning, 7);
    const second = await make();
    await train(second.model, second.pruning, 2);
    const checkpoint = await first.pruning.checkpoint();
    const tensors = tf.memory().numTensors;
    await second.pruning.resume(checkpoint);
    expect(tf.memory().numTensors).toBe(tensors);
    await train(first.model, first.pruning, 5);
    await train(second.model, second.pruning, 5);
    expect(second.model.getWeights().map(values)).toEqual(first.model.getWeights().map(values));
  });

  it('under an optimiser from elsewhere, which keeps its state to itself, goes on to the bit', async () => {
    const make = async () => {
      const model = build(new Elsewhere());
      return { model, pruning: await sparsify(model, byMagnitude(), target) };
    };
    const [first, second] = [await make(), await make()];
    await train(first.model, first.pruning, 7);
    await second.pruning.resume(await first.pruning.checkpoint());
    await train(first.model, first.pruning, 5);
    await train(second.model, second.pruning, 5);
    expect(second.model.getWeights().map(values)).toEqual(first.model.getWeights().map(values));
  });

  it('says nothing of steps that trained before it', async () => {
    const [first, second] = [build(tf.train.sgd(0.1)), build(tf.train.sgd(0.1))];
    const a = await sparsify(first, byMagnitude(), target);
    await train(first, a, 20);
    const b = await sparsify(second, byMagnitude(), target);
    await b.resume(await a.checkpoint());
    expect((await b.finalize()).warnings).toEqual([]);
  });

  it('after the last step has the gradients that the end is chosen by', async () => {
    const pruner = { ...byMagnitude(), importance: gradientNorm };
    const [first, second] = [build(tf.train.sgd(0.1)), build(tf.train.sgd(0.1))];
    const short = { ...target, totalSteps: 2 };
    const end = { ...pruner, search: { ...pruner.search, phases: [densePhase(1)] } };
    const a = await sparsify(first, end, short);
    await train(first, a, 2);
    const b = await sparsify(second, end, short);
    await b.resume(await a.checkpoint());
    await Promise.all([a.finalize(), b.finalize()]);
    expect(second.getWeights().map(values)).toEqual(first.getWeights().map(values));
  });

  it.each<[string, Partial<Target>]>([
    ['kernels', { blockShape: [2, 3] }],
    ['blocks', { sparsity: 0.5 }],
    ['allocation', { allocation: global }],
    ['kernels', { seed: 7 }],
  ])('is refused where the %s are others', async (part, changed) => {
    const start = async (of: Partial<Target>) =>
      sparsify(build(tf.train.sgd(0.1)), byMagnitude(), { ...target, ...of });
    const [a, b] = [await start({}), await start(changed)];
    await expect(b.resume(await a.checkpoint())).rejects.toThrow(
      new RegExp(`^The checkpoint is of a run with (${part}|blocks|allocation) `),
    );
  });
});

/** SGD with momentum, its velocities in a private field: v ← 0.9 v + g, w ← w − 0.05 v. */
class Elsewhere extends tf.Optimizer {
  static className = 'Elsewhere';
  #velocities: tf.Tensor[] = [];

  applyGradients(gradients: tf.NamedTensorMap | { name: string; tensor: tf.Tensor }[]): void {
    const list = Array.isArray(gradients)
      ? gradients
      : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
    tf.tidy(() => {
      list.forEach(({ name, tensor }, i) => {
        const before = this.#velocities[i];
        const velocity = before ? before.mul(0.9).add(tensor) : tensor.clone();
        before?.dispose();
        this.#velocities[i] = tf.keep(velocity);
        const variable = tf.engine().registeredVariables[name]!;
        variable.assign(variable.sub(velocity.mul(0.05)));
      });
    });
    this.incrementIterations();
  }

  resetState(): void {
    tf.dispose(this.#velocities);
    this.#velocities = [];
  }

  override async getWeights() {
    return this.#velocities.map((tensor, i) => ({ name: String(i), tensor: tensor.clone() }));
  }

  override async setWeights(weights: { tensor: tf.Tensor }[]): Promise<void> {
    this.resetState();
    this.#velocities = weights.map(({ tensor }) => tf.keep(tensor.clone()));
  }

  getConfig() {
    return {};
  }
}

describe('gradients', () => {
  it('a run that ends early in a dense phase is cut by those of its last step', async () => {
    const model = build(tf.train.sgd(0.1));
    const pruning = await sparsify(model, { ...byMagnitude(), importance: gradientNorm }, target);
    await train(model, pruning, 3);
    const mask = (await pruning.finalize()).pruned.map(({ keptBlocks }) => keptBlocks);
    expect(mask).toEqual([3, 2]);
  });
});
