import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

import { embeddingPerceptron, multilayerPerceptron } from './index.js';

beforeAll(() => tf.setBackend('cpu'));

const settings = { fields: 3, tokens: 7, size: 2, hidden: [5, 4], outputs: 1, seed: 0 };

describe('embeddingPerceptron', () => {
  it('has a table, and the layers of the perceptron', () => {
    const model = embeddingPerceptron(settings);
    const shapes = model.getWeights().map(({ shape }) => shape);
    expect(shapes).toEqual([[7, 2], [6, 5], [5], [5, 4], [4], [4, 1], [1]]);
    expect(model.layers.map(({ name }) => name)).toEqual([
      ...['tokens', 'embedding', 'flatten', 'dense_1', 'dense_2', 'dense_3'],
    ]);
    expect(model.outputs[0]!.shape).toEqual([null, 1]);
  });

  it('puts the embeddings of the tokens side by side', () => {
    const model = embeddingPerceptron(settings);
    const [table, ...weights] = model.getWeights() as [tf.Tensor2D, ...tf.Tensor[]];
    const perceptron = multilayerPerceptron({ inputs: 6, hidden: [5, 4], outputs: 1, seed: 3 });
    perceptron.setWeights(weights);
    const tokens = [
      [0, 6, 2],
      [5, 5, 1],
    ];
    const rows = table.arraySync();
    const inputs = tokens.map((of) => of.flatMap((token) => rows[token]!));
    const expected = (perceptron.predict(tf.tensor2d(inputs)) as tf.Tensor).dataSync();
    const outputs = (model.predict(tf.tensor2d(tokens, [2, 3], 'int32')) as tf.Tensor).dataSync();
    expected.forEach((value, i) => expect(outputs[i]).toBeCloseTo(value, 6));
  });

  it('starts uniform: the table in ±0.05, the layers as those of the perceptron of its seed', () => {
    const model = embeddingPerceptron({ ...settings, tokens: 1000, size: 10, seed: 4 });
    const [table, ...weights] = model.getWeights();
    const values = table!.dataSync();
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(0.05);
    expect(Math.max(...values)).toBeGreaterThan(0.0499);
    const perceptron = multilayerPerceptron({ inputs: 30, hidden: [5, 4], outputs: 1, seed: 4 });
    expect(weights.map((weight) => weight.dataSync())).toEqual(
      perceptron.getWeights().map((weight) => weight.dataSync()),
    );
  });

  it('starts the same for the same seed, is saved alike, and otherwise for another', () => {
    const [first, same, other] = [0, 0, 1].map((seed) => embeddingPerceptron({ ...settings, seed }));
    const values = (model: tf.LayersModel) => model.getWeights().map((weight) => [...weight.dataSync()]);
    expect(values(same!)).toEqual(values(first!));
    expect(same!.toJSON()).toEqual(first!.toJSON());
    values(other!).forEach((weight, i) => expect(weight).not.toEqual(values(first!)[i]));
  });

  it('is refused by the setting that is wrong', () => {
    expect(() => embeddingPerceptron({ ...settings, tokens: 0 })).toThrow(
      'embeddingPerceptron(): tokens = 0, and is to be a whole number of at least 1',
    );
    expect(() => embeddingPerceptron({ ...settings, size: undefined as never })).toThrow('size = undefined');
  });
});
