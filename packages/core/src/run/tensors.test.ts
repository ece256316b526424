/** Who owns which tensor: none is lost from step to step, and a run leaves none behind. */
import '@tensorflow/tfjs-backend-wasm';

import { DivergedError } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import type { Pruner } from '../pruner.js';
import { oneShot } from '../search/one-shot.js';
import { sparsePhase } from '../search/phases.js';
import { sparsify, type ModelPruning } from './sparsify.js';
import type { Target } from './target.js';
import { byMagnitude, randomTensor, strategies, values } from '../test-support.js';

const target: Target = { sparsity: 0.75, blockShape: [2, 2], totalSteps: 20, minimumBlocks: 1 };

/** 6 → 7 → 3: the kernels' edges are ragged. */
function build(): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 7, inputShape: [6], activation: 'tanh' }),
      tf.layers.dense({ units: 3 }),
    ],
  });
  tf.tidy(() =>
    model.setWeights(model.weights.map(({ shape }, i) => randomTensor(shape as number[], i + 1))),
  );
  return model;
}

describe.each(['cpu', 'wasm'])('on the %s backend', (backend) => {
  let data: { x: tf.Tensor; y: tf.Tensor };
  beforeAll(async () => {
    await tf.setBackend(backend);
    data = { x: randomTensor([8, 6], 7), y: randomTensor([8, 3], 8) };
  });

  async function train(model: tf.LayersModel, pruning: ModelPruning, afterStep: () => void): Promise<void> {
    for (let step = 0; step < 20; step++) {
      tf.dispose(await model.trainOnBatch(data.x, data.y));
      await pruning.step();
      afterStep();
    }
  }

  describe.each(Object.entries(strategies))('%s', (_, pruner) => {
    it('holds at most three tensors for each kernel with a mask, and none that grow from step to step', async () => {
      const model = build();
      model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
      tf.dispose(await model.trainOnBatch(data.x, data.y));
      const before = tf.memory().numTensors;
      const pruning = await sparsify(model, pruner, target);
      expect(tf.memory().numTensors).toBe(before + pruning.addedVariables.length);
      const held: number[] = [];
      await train(model, pruning, () => {
        const ofMasks = pruning.kernels.map(({ maskTensors }) => maskTensors);
        const all = ofMasks.reduce((sum, count) => sum + count, 0);
        expect(tf.memory().numTensors).toBe(before + pruning.addedVariables.length + all);
        // The mask itself, and what it keeps of an effective weight and a gradient to write the next into.
        pruning.kernels.forEach(({ kept, grid }, i) => {
          expect(ofMasks[i]).toBeLessThanOrEqual(kept < grid.blocks ? 3 : 0);
        });
        held.push(all);
      });
      // The masks have not changed since.
      expect(new Set(held.slice(-5)).size).toBe(1);
      await pruning.finalize();
      expect(tf.memory().numTensors).toBe(before);
    });

    it.each(['momentum', 'adam'] as const)('leaves nothing behind in %s either', async (name) => {
      const model = build();
      const optimizer = name === 'adam' ? tf.train.adam(0.01) : tf.train.momentum(0.05, 0.9);
      model.compile({ optimizer, loss: 'meanSquaredError' });
      const before = tf.memory().numTensors;
      const pruning = await sparsify(model, pruner, target);
      await train(model, pruning, () => {});
      await pruning.finalize();
      expect(tf.memory().numTensors).toBe(before);
    });

    it('ends with the same blocks twice, to the last bit', async () => {
      const weights = [];
      for (let run = 0; run < 2; run++) {
        const model = build();
        model.compile({ optimizer: tf.train.momentum(0.05, 0.9), loss: 'meanSquaredError' });
        const pruning = await sparsify(model, pruner, target);
        await train(model, pruning, () => {});
        // 4 · 3 and 4 · 2 blocks (ragged), a quarter of each: 3 and 2.
        expect((await pruning.finalize()).pruned.map(({ keptBlocks }) => keptBlocks)).toEqual([3, 2]);
        weights.push(model.getWeights().map(values));
      }
      expect(weights[0]).toEqual(weights[1]);
    });
  });

  it('a run that diverges can be abandoned, and leaves nothing behind but the weights', async () => {
    const model = build();
    model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
    const before = tf.memory().numTensors;
    const pruning = await sparsify(model, strategies['SequentialAttention++'] as Pruner, target);
    tf.tidy(() => pruning.addedVariables[0]?.assign(tf.fill([3, 4], Number.NaN)));
    await expect(train(model, pruning, () => {})).rejects.toThrow(DivergedError);
    await expect(pruning.finalize()).rejects.toThrow(DivergedError);
    pruning.abandon();
    expect(tf.memory().numTensors).toBe(before);
    model.setWeights(build().getWeights());
    await (await sparsify(model, strategies['AC/DC'] as Pruner, target)).finalize();
  });

  it('logits that become NaN in the last sparse phase are found out at the end', async () => {
    const model = build();
    model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
    const pruning = await sparsify(model, strategies['SequentialAttention++'] as Pruner, target);
    await train(model, pruning, () => {});
    tf.tidy(() => pruning.addedVariables[0]?.assign(tf.fill([3, 4], Number.NaN)));
    await expect(pruning.finalize()).rejects.toThrow(/^Not every number of logits of \S+\/kernel is finite$/);
    pruning.abandon();
  });

  it('a run that cannot begin leaves the model as it was', async () => {
    const model = build();
    model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
    const [first] = model.weights as [tf.LayerVariable];
    tf.tidy(() => void first.write(tf.fill([6, 7], Number.NaN)));
    const before = tf.memory().numTensors;
    const sparse = byMagnitude({ name: 'sparse at once', phases: [sparsePhase(1)], prunedWeights: 'masked' });
    await expect(sparsify(model, sparse, target)).rejects.toThrow(DivergedError);
    expect(tf.memory().numTensors).toBe(before);
    const zero = await sparsify(model, byMagnitude(oneShot()), { ...target, sparsity: 0 });
    await expect(zero.finalize()).rejects.toThrow(DivergedError);
    zero.abandon();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('a wrong score leaves nothing behind', async () => {
    const model = build();
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const before = tf.memory().numTensors;
    const importance = { name: 'wrong', score: () => tf.zeros<tf.Rank.R2>([1, 1]) };
    const pruning = await sparsify(model, { ...strategies['one-shot magnitude'], importance } as never, {
      ...target,
      totalSteps: 2,
    });
    await expect(pruning.step()).rejects.toThrow('wrong scored');
    expect(tf.memory().numTensors).toBe(before);
  });
});
