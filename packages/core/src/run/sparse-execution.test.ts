import { keepAll, keptBlocks, scaleBlocks, type BlockMask } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it, vi } from 'vitest';

import { alternating } from '../search/alternating.js';
import { oneShot } from '../search/one-shot.js';
import type { MaskedKernel, SparseExecution } from './sparse-execution.js';
import { sparsify } from './sparsify.js';
import type { Target } from './target.js';
import { byAttention, randomTensor, shortPlan, values } from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const pruner = byAttention(oneShot({ dense: 0.5 }));

const x = () => randomTensor([6, 8], 7) as tf.Tensor2D;
const y = () => randomTensor([6, 4], 8) as tf.Tensor2D;

function network(): tf.LayersModel {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ name: 'first', units: 8, inputShape: [8], activation: 'tanh' }),
      tf.layers.dense({ name: 'second', units: 4 }),
    ],
  });
  model.setWeights(model.weights.map(({ shape }, i) => randomTensor(shape as number[], i + 1)));
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
  return model;
}

const target: Target = { sparsity: 0.75, blockShape: [2, 2], totalSteps: 4, minimumBlocks: 1 };

/** An execution that multiplies out the factors, as a dense product would, and remembers what it was asked. */
function multiplyOut() {
  const kernels: MaskedKernel[] = [];
  const calls = vi.fn<() => void>();
  const execution: SparseExecution = {
    callOf: (kernel) => {
      kernels.push(kernel);
      return (inputs, factors) => {
        calls();
        const { raw, elementwise, blockScale } = factors();
        const { trainingMask, layer } = kernel;
        const { grid } = trainingMask;
        const scale = trainingMask.tensor;
        const weight = scaleBlocks(
          elementwise?.(raw) ?? raw,
          blockScale ? scale.mul(blockScale) : scale,
          grid,
        );
        const bias = (layer as unknown as { bias: tf.LayerVariable }).bias.read();
        const sum = (inputs as tf.Tensor2D).matMul(weight).add(bias);
        return layer.name === 'first' ? sum.tanh() : sum;
      };
    },
  };
  return { execution, kernels, calls };
}

async function train(sparsePhases?: SparseExecution, method = pruner, steps = 4) {
  const model = network();
  const before = tf.memory().numTensors;
  const pruning = await sparsify(model, method, { ...target, ...(sparsePhases && { sparsePhases }) });
  const [inputs, outputs] = [x(), y()];
  await model.fit(inputs, outputs, {
    epochs: steps,
    batchSize: 6,
    verbose: 0,
    callbacks: pruning.callback(),
  });
  tf.dispose([inputs, outputs]);
  const report = await pruning.finalize();
  return { model, report, leaked: tf.memory().numTensors - before, weights: model.getWeights().map(values) };
}

describe('sparse phases', () => {
  it('give the same weights as masked dense products, under model.fit', async () => {
    const dense = await train();
    const { execution, kernels, calls } = multiplyOut();
    const sparse = await train(execution);
    expect(sparse.leaked).toBe(0);
    expect(calls).toHaveBeenCalled();
    expect(
      kernels.map(({ field, trainingMask }) => [field, keptBlocks(trainingMask.pattern.mask())]),
    ).toEqual([
      ['kernel', 4],
      ['kernel', 2],
    ]);
    sparse.weights.forEach((weights, i) => {
      weights.forEach((weight, at) => expect(weight).toBeCloseTo(dense.weights[i]![at]!, 5));
    });
  });

  it('begin with the first mask, and ask again at each new one only', async () => {
    const { execution, kernels } = multiplyOut();
    const model = network();
    const acdc = { ...pruner, search: alternating(shortPlan) };
    const pruning = await sparsify(model, acdc, { ...target, totalSteps: 20, sparsePhases: execution });
    const asked: number[] = [];
    for (let step = 0; step < 20; step++) {
      tf.tidy(() => model.predict(x()));
      asked.push(kernels.length);
      await pruning.step();
    }
    // Dense up to step 4; sparse from 4, 10 and 16 on: the two layers are planned anew at each of the three masks.
    expect(asked).toEqual([
      ...Array.from({ length: 4 }, () => 0),
      ...Array.from({ length: 6 }, () => 2),
      ...Array.from({ length: 6 }, () => 4),
      ...Array.from({ length: 4 }, () => 6),
    ]);
    pruning.abandon();
  });

  it('are asked again where a mask comes back whose like was disposed, and not for the same blocks', async () => {
    const { execution, kernels } = multiplyOut();
    const model = network();
    const pruning = await sparsify(model, pruner, { ...target, sparsePhases: execution });
    const [first] = pruning.kernels;
    const half = Uint8Array.from({ length: first!.grid.blocks }, (_, block) => block % 2);
    const asked = (mask: BlockMask) => {
      first!.restoreChoice(mask);
      tf.tidy(() => model.predict(x()));
      return kernels.length;
    };
    expect([asked(half), asked(half.slice()), asked(keepAll(half.length)), asked(half)]).toEqual([
      1, 1, 1, 2,
    ]);
    expect(kernels.map(({ trainingMask }) => trainingMask.isDisposed)).toEqual([true, false]);
    pruning.abandon();
  });

  it('leave a layer dense that the execution does not serve, or not for these inputs', async () => {
    const dense = await train();
    const never = await train({ callOf: () => null });
    const notNow = await train({ callOf: () => () => null });
    expect(never.weights).toEqual(dense.weights);
    expect(notNow.weights).toEqual(dense.weights);
  });

  it('stay dense where pruned blocks have gradients', async () => {
    const { execution, kernels } = multiplyOut();
    await train(execution, { ...pruner, search: { ...pruner.search, gradient: 'all' } });
    expect(kernels).toEqual([]);
  });

  it('end with the run', async () => {
    const { execution } = multiplyOut();
    const { model } = await train(execution);
    for (const layer of model.layers) expect(Object.hasOwn(layer, 'call')).toBe(false);
  });

  it('leave a call alone that was put in the place of the layer’s own', async () => {
    const model = network();
    const own = vi.fn(model.layers[0]!.call.bind(model.layers[0]));
    model.layers[0]!.call = own;
    const { execution, kernels } = multiplyOut();
    const masked = { ...pruner, search: oneShot({ dense: 0.25 }) };
    const pruning = await sparsify(model, masked, { ...target, sparsePhases: execution });
    await pruning.step();
    tf.tidy(() => model.predict(x()));
    pruning.abandon();
    expect(kernels.map(({ layer }) => layer.name)).toEqual(['second']);
    expect(own).toHaveBeenCalled();
    expect(model.layers[0]!.call).toBe(own);
  });

  it('take their call out of a layer of two kernels, and leave one that came later', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.separableConv2d({ inputShape: [4, 4, 4], filters: 4, kernelSize: 2 }),
        tf.layers.separableConv2d({ filters: 4, kernelSize: 2 }),
      ],
    });
    const { execution } = multiplyOut();
    const pruning = await sparsify(model, pruner, { ...target, optimizer: null, sparsePhases: execution });
    const later = vi.fn<(typeof model.layers)[0]['call']>();
    model.layers[1]!.call = later;
    pruning.abandon();
    expect(Object.hasOwn(model.layers[0]!, 'call')).toBe(false);
    expect(model.layers[1]!.call).toBe(later);
  });
});
