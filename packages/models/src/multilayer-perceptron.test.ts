import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { multilayerPerceptron } from './multilayer-perceptron.js';

const settings = { inputs: 100, hidden: [50, 20], outputs: 10, seed: 0 };

const weightsOf = (model: tf.Sequential): number[][] =>
  model.getWeights().map((weight) => Array.from(weight.dataSync()));

describe('multilayerPerceptron', () => {
  it('has the layers that were asked for, the last one linear', () => {
    const model = multilayerPerceptron(settings);
    expect(model.getWeights().map(({ shape }) => shape)).toEqual([
      [100, 50],
      [50],
      [50, 20],
      [20],
      [20, 10],
      [10],
    ]);
    expect(model.layers.map(({ name }) => name)).toEqual(['dense_1', 'dense_2', 'dense_3']);
    const activations = model.layers.map((layer) => layer.getConfig()['activation']);
    expect(activations).toEqual(['relu', 'relu', 'linear']);
  });

  it('is saved alike whatever was made before it', () => {
    const [first, second] = [multilayerPerceptron(settings), multilayerPerceptron(settings)];
    expect(second.toJSON()).toEqual(first.toJSON());
  });

  it("starts uniform in ±1/√inputs of each layer, as PyTorch's nn.Linear", () => {
    const [kernel = [], bias = [], second = []] = weightsOf(multilayerPerceptron(settings));
    expect(Math.max(...kernel.map(Math.abs))).toBeLessThanOrEqual(0.1);
    expect(Math.max(...kernel.map(Math.abs))).toBeGreaterThan(0.099);
    expect(Math.max(...bias.map(Math.abs))).toBeLessThanOrEqual(0.1);
    expect(Math.max(...second.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(50));
    // Variance of a uniform distribution on ±0.1: 0.1²/3.
    const variance = kernel.reduce((sum, value) => sum + value * value, 0) / kernel.length;
    expect(variance).toBeCloseTo(0.01 / 3, 3);
  });

  it('starts the same for the same seed, otherwise for another, and no two weights alike', () => {
    expect(weightsOf(multilayerPerceptron(settings))).toEqual(weightsOf(multilayerPerceptron(settings)));
    const [first = []] = weightsOf(multilayerPerceptron(settings));
    const [other = []] = weightsOf(multilayerPerceptron({ ...settings, seed: 1 }));
    expect(first).not.toEqual(other);
    const starts = weightsOf(multilayerPerceptron(settings)).map(
      (weight) => (weight[0] as number) / (weight[1] as number),
    );
    expect(new Set(starts).size).toBe(starts.length);
  });
});
