import { describe, expect, it } from 'vitest';

import { atScale } from './workload.js';
import imagenet, { imagenetResnet50 } from './workloads/imagenet-resnet50.js';

describe('ResNet-50 on ImageNet', () => {
  it("at scale paper has the paper's recipe", () => {
    const { defaults, learningRate } = atScale(imagenet, 'paper');
    expect(defaults).toMatchObject({ epochs: 90, batchSize: 2048, microBatchSize: 64 });
    // In a line to 0.8 at epoch 5, then half a cosine over the 85 that are left.
    expect(learningRate(2.5 / 90)).toBeCloseTo(0.4, 10);
    expect(learningRate(5 / 90)).toBeCloseTo(0.8, 10);
    expect(learningRate(47.5 / 90)).toBeCloseTo(0.4, 10);
    expect(learningRate(1)).toBeCloseTo(0, 10);
    expect(Math.max(...Array.from({ length: 901 }, (_, i) => learningRate(i / 900)))).toBeCloseTo(0.8, 10);
  });

  it('has the rate in proportion to the batch, and a cosine alone where nothing warms up', () => {
    for (const scale of ['smoke', 'small', 'paper'] as const) {
      const { defaults, learningRate } = atScale(imagenet, scale);
      expect(learningRate(5 / 90)).toBeCloseTo((0.8 * defaults.batchSize) / 2048, 10);
    }
    const { learningRate } = atScale(imagenetResnet50('at-once', { warmUpEpochs: 0 }), 'paper');
    expect(learningRate(0)).toBe(0.8);
    expect(learningRate(0.5)).toBeCloseTo(0.4, 10);
  });

  it("has an output for each of the data's classes, at the size of its scale", async () => {
    const data = { classes: ['a', 'b', 'c'] } as never;
    const model = await atScale(imagenet, 'smoke').model(0, data);
    expect(model.inputs[0]?.shape).toEqual([null, 32, 32, 3]);
    expect(model.outputs[0]?.shape).toEqual([null, 3]);
    // 25,557,032 with 1000 classes, of which the last layer has 2049 each.
    const parameters = model.trainableWeights.reduce(
      (sum, { shape }) => sum + shape.reduce<number>((size, length) => size * (length ?? 1), 1),
      0,
    );
    expect(parameters).toBe(25_557_032 - 997 * 2049);
    model.dispose();
  });

  it.each<[object, string]>([
    [{ momentum: 1 }, 'imagenetResnet50(): momentum = 1, and is to be'],
    [{ weightDecay: -1 }, 'weightDecay = -1'],
    [{ warmUpEpochs: 90 }, 'warmUpEpochs = 90'],
    [{ labelSmoothing: 1 }, 'labelSmoothing = 1'],
    [{ lastScale: 2 }, 'lastScale = 2'],
    [{ microBatchSize: 0 }, 'microBatchSize = 0'],
    [{ warmup: 5 }, "imagenetResnet50() has no option 'warmup'"],
  ])('refuses %o', (settings, message) => {
    expect(() => imagenetResnet50('mine', settings)).toThrow(message);
  });

  it('says what is missing', async () => {
    await expect(imagenet.load({ dataFolder: '/nowhere', seed: 0 })).rejects.toThrow(
      '/nowhere/imagenet has neither train/ nor train-000000.tar',
    );
  });
});
