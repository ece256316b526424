import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';

import { blockSparseConv2d } from '../index.js';
import {
  convolutions,
  expectClose,
  patternKeeping,
  randomTensor,
  type ConvolutionCase,
} from '../test-support.js';

afterAll(async () => {
  await tf.setBackend('cpu');
});

it('a convolution and its gradients are those of the cpu kernels', async () => {
  await fc.assert(
    fc.asyncProperty(convolutions, (convolution) => expectSameAsCpu(convolution)),
    { numRuns: 40 },
  );
});

it('whether the patches of several images, of one, or of some of its rows fit into the cache', async () => {
  const cases: [ConvolutionCase['inputShape'], ConvolutionCase['filterShape']][] = [
    [
      [5, 12, 12, 32],
      [3, 3, 32, 8],
    ],
    [
      [3, 20, 20, 32],
      [3, 3, 32, 8],
    ],
    [
      [2, 40, 41, 32],
      [3, 3, 32, 8],
    ],
    [
      [2, 30, 30, 64],
      [1, 1, 64, 8],
    ],
  ];
  for (const [inputShape, filterShape] of cases) {
    for (const strides of [1, 2]) {
      const matrix = [filterShape[0] * filterShape[1] * filterShape[2], 8] as const;
      await expectSameAsCpu(
        {
          inputShape,
          filterShape,
          options: { strides: [strides, strides], dilations: [1, 1], pad: 'same' },
          pattern: patternKeeping(matrix, [8, 8], 'some', 3),
        },
        'relu',
      );
    }
  }
});

async function expectSameAsCpu(
  { inputShape, filterShape, options, pattern }: ConvolutionCase,
  activation: 'linear' | 'relu' = 'linear',
): Promise<void> {
  const compute = () => {
    const inputs = [
      randomTensor(inputShape, 1),
      randomTensor([pattern.size], 2),
      randomTensor([filterShape[3]], 3),
    ];
    const convolution = (...[x, values, bias]: tf.Tensor[]) =>
      blockSparseConv2d(x as tf.Tensor4D, values as tf.Tensor1D, pattern, {
        filterShape,
        ...options,
        bias: bias as tf.Tensor1D,
        activation,
      });
    const y = convolution(...inputs);
    return [y, ...tf.grads((...inputs) => convolution(...inputs).mul(randomTensor(y.shape, 4)))(inputs)];
  };
  const onBackend = async (backend: string) => {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const outputs = tf.tidy(compute);
    const read = outputs.map((output) => [...output.dataSync()]);
    tf.dispose(outputs);
    expect(tf.memory().numTensors).toBe(before);
    return read;
  };
  const expected = await onBackend('cpu');
  const actual = await onBackend('wasm');
  actual.forEach((values, i) => tf.tidy(() => expectClose(tf.tensor(values), expected[i]!)));
}
