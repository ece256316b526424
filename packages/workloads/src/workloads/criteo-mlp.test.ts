import { layerKernels } from '@espalier/core';
import { inMemory } from '@espalier/datasets';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { atScale, type WorkloadData } from '../workload.js';
import criteoMlp from './criteo-mlp.js';

beforeAll(() => tf.setBackend('cpu'));

/** 39 fields of three tokens each. */
const fieldSizes = Array.from({ length: 39 }, () => 3);
const examples = inMemory(
  [{ shape: [39], type: 'int32', values: Int32Array.from({ length: 39 }, (_, field) => 3 * field + 2) }],
  { shape: [], type: 'int32', values: Int32Array.of(1) },
);
const data = { train: examples, test: examples, fieldSizes } as WorkloadData;

describe('criteo-mlp', () => {
  it("is the paper's network, of which the first kernel alone may be pruned", async () => {
    const model = await criteoMlp.model(0, data);
    const kernels = layerKernels(model);
    expect(kernels.map(({ name, variable }) => [name, variable.shape])).toEqual([
      ['embedding/embeddings', [117, 10]],
      ['dense_1/kernel', [390, 400]],
      ['dense_2/kernel', [400, 400]],
      ['dense_3/kernel', [400, 400]],
      ['dense_4/kernel', [400, 1]],
    ]);
    const pruned = kernels.filter(({ name }) => criteoMlp.target!.kernels!(name));
    expect(pruned.map(({ name }) => name)).toEqual(['dense_1/kernel']);
    const { inputs } = examples.gather([0]);
    const logits = model.predict(tf.tensor2d(inputs[0]!, [1, 39], 'int32')) as tf.Tensor;
    expect(logits.shape).toEqual([1, 1]);
  });

  it("has the paper's recipe at the scale paper", () => {
    const { defaults, learningRate, optimizer, settings } = atScale(criteoMlp, 'paper');
    expect(defaults).toMatchObject({
      epochs: 25,
      batchSize: 32_768,
      sparsities: [0.9, 0.95, 0.97, 0.98, 0.99],
    });
    expect(optimizer().learningRate).toBe(2e-2);
    // In equal times by equal factors: the geometric mean is in the middle.
    expect(learningRate(0.5)).toBeCloseTo(Math.sqrt(2e-2 * 3e-4), 12);
    expect(learningRate(1)).toBeCloseTo(3e-4, 12);
    expect(settings?.['acdc']).toEqual({ plan: 'criteo', prunedWeights: 'masked' });
    expect(settings?.['sequential-attention-plus-plus']).toEqual({ plan: 'criteo' });
  });

  it('says what it lacks, of data that does not tell its tokens', async () => {
    const make = async () => criteoMlp.model(0, { train: examples, test: examples });
    await expect(make()).rejects.toThrow(
      /takes data that says how many tokens each field has, by fieldSizes/,
    );
  });
});
