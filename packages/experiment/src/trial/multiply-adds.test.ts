import { magnitude } from '@espalier/magnitude';
import { resnet, resnet20 } from '@espalier/models';
import { multiplyAdds, sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';

beforeAll(() => tf.setBackend('cpu'));

const of = (...layers: tf.layers.Layer[]) => multiplyAdds(tf.sequential({ layers }), null)?.dense;
const { layers } = tf;

describe('multiply-adds of one example', () => {
  // Each is counted by hand: weights times the places at which they are multiplied.
  it.each([
    ['dense', 6 * 4, () => of(layers.dense({ inputShape: [6], units: 4 }))],
    ['dense at each of 5 places', 5 * 6 * 4, () => of(layers.dense({ inputShape: [5, 6], units: 4 }))],
    [
      'a convolution with strides',
      4 * 4 * (3 * 3 * 3 * 8),
      () =>
        of(layers.conv2d({ inputShape: [8, 8, 3], filters: 8, kernelSize: 3, strides: 2, padding: 'same' })),
    ],
    [
      'a depthwise and a pointwise one',
      6 * 6 * (3 * 3 * 4 + 4 * 5),
      () => of(layers.separableConv2d({ inputShape: [8, 8, 4], filters: 5, kernelSize: 3 })),
    ],
    [
      'a transposed one, at the places of its input',
      4 * 4 * (3 * 3 * 5 * 2),
      () => of(layers.conv2dTranspose({ inputShape: [4, 4, 2], filters: 5, kernelSize: 3, strides: 2 })),
    ],
    [
      'a recurrent one, at each of 7 times',
      7 * (3 * 20 + 5 * 20),
      () => of(layers.lstm({ inputShape: [7, 3], units: 5 })),
    ],
    [
      'both ways',
      2 * 7 * (3 * 9 + 3 * 9),
      () =>
        of(
          layers.bidirectional({
            ...{ inputShape: [7, 3], mergeMode: 'concat' },
            layer: layers.gru({ units: 3 }) as tf.RNN,
          }),
        ),
    ],
    [
      'a dense one at each time, and rows that are looked up',
      9 * (4 * 2),
      () =>
        of(
          layers.embedding({ inputDim: 100, outputDim: 4, inputLength: 9 }),
          layers.timeDistributed({ layer: layers.dense({ units: 2 }) }),
        ),
    ],
  ])('%s', (_, expected, count) => {
    expect(count()).toBe(expected);
  });

  it('counts a layer as often as it is called, and what is in a model within', () => {
    const shared = layers.dense({ units: 4 });
    const inner = tf.sequential({ layers: [layers.dense({ inputShape: [4], units: 3 })] });
    const [a, b] = [tf.input({ shape: [6] }), tf.input({ shape: [6] })];
    const sum = layers.add().apply([shared.apply(a), shared.apply(b)] as tf.SymbolicTensor[]);
    const model = tf.model({ inputs: [a, b], outputs: inner.apply(sum) as tf.SymbolicTensor });
    expect(multiplyAdds(model, null)?.dense).toBe(2 * 6 * 4 + 4 * 3);
  });

  it('is not known where a length is free, channels come first, or a model is within a wrapper', () => {
    expect(of(layers.conv1d({ inputShape: [null, 3], filters: 2, kernelSize: 3 }))).toBeUndefined();
    const first = { inputShape: [3, 8, 8], filters: 2, kernelSize: 3, dataFormat: 'channelsFirst' as const };
    expect(of(layers.conv2d(first))).toBeUndefined();
    const inner = tf.sequential({ layers: [layers.dense({ inputShape: [4], units: 2 })] });
    const wrapped = layers.timeDistributed({
      inputShape: [5, 4],
      layer: inner as unknown as tf.layers.Layer,
    });
    expect(of(wrapped)).toBeUndefined();
  });

  it('of ResNet-20 is the 40.55 million that He et al. 2015 have as 0.041 GFLOPs', () => {
    // 3 × 3 kernels at 32², 16² and 8² places; its shortcuts have none.
    const stage = (from: number, to: number, side: number) => 9 * side * side * (from * to + 5 * to * to);
    const expected =
      9 * 32 * 32 * 3 * 16 + stage(16, 16, 32) + stage(16, 32, 16) + stage(32, 64, 8) + 64 * 10;
    expect(expected).toBe(40_551_040);
    const model = resnet({ ...resnet20, seed: 0 });
    expect(multiplyAdds(model, null)?.dense).toBe(expected);
  });

  it('keeps those of kept blocks, and of kernels that were left dense', async () => {
    const model = tf.sequential({
      layers: [layers.dense({ inputShape: [16], units: 16 }), layers.dense({ units: 2 })],
    });
    const target = { sparsity: 0.75, blockShape: [4, 4] as const, totalSteps: 2, minimumBlocks: 8 };
    const pruning = await sparsify(model, magnitude(), { ...target, optimizer: null });
    const report = await pruning.finalize();
    expect(multiplyAdds(model, report)).toEqual({ dense: 256 + 32, kept: 64 + 32, leftDense: 32 });
  });
});
