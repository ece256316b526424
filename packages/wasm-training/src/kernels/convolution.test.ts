import { sgd } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

import '../index.js';
import { expectClose, expectGradients, expectSameAsCpu, randomTensor } from '../test-support.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

type Pair = [number, number];
type Shape4 = [number, number, number, number];

const seed = fc.integer({ min: 0, max: 1e6 });
const small = (min: number, max: number) => fc.integer({ min, max });
const channels = fc.oneof(small(1, 9), fc.constantFrom(16, 17));

/** A convolution whose output has at least one pixel. */
const convolution = fc
  .record({
    batch: small(0, 3),
    size: fc.tuple(small(1, 9), small(1, 9)),
    inChannels: channels,
    outChannels: channels,
    filter: fc.tuple(small(1, 4), small(1, 4)),
    strides: fc.tuple(small(1, 3), small(1, 3)),
    pad: fc.constantFrom<'same' | 'valid' | number>('same', 'valid', 0, 1, 2),
  })
  .filter(({ size, filter, strides, pad }) => {
    // With a number for the padding, tfjs computes the width of the output from the filter's height.
    if (typeof pad === 'number' && (filter[0] !== filter[1] || strides[0] !== strides[1])) return false;
    const padding = typeof pad === 'number' ? 2 * pad : 0;
    return pad === 'same' || size.every((length, axis) => length + padding >= filter[axis]!);
  });

describe('conv2d on wasm', () => {
  const activation = fc.constantFrom('linear', 'relu', 'relu6', 'elu', 'leakyrelu', 'prelu', 'sigmoid');

  it('agrees with the cpu backend, dilated or strided, with bias and activation', async () => {
    await fc.assert(
      fc.asyncProperty(
        convolution,
        fc.tuple(small(1, 3), small(1, 3)),
        activation,
        seed,
        async ({ batch, size, inChannels, outChannels, filter, strides, pad }, dilations, act, s) => {
          // tfjs allows strides or dilations, not both, and dilates with 'same' or enough room only.
          const dilated = strides.every((stride) => stride === 1) && pad === 'same';
          await expectSameAsCpu(() => {
            const inputs = {
              x: randomTensor([batch, ...size, inChannels], s) as tf.Tensor4D,
              filter: randomTensor([...filter, inChannels, outChannels], s + 1) as tf.Tensor4D,
              strides,
              pad,
              dilations: dilated ? dilations : 1,
            };
            const fused = tf.fused.conv2d({
              ...inputs,
              bias: randomTensor([outChannels], s + 2),
              activation: act as 'relu',
              ...(act === 'prelu' && { preluActivationWeights: randomTensor([1, 1, outChannels], s + 3) }),
              ...(act === 'leakyrelu' && { leakyreluAlpha: 0.3 }),
            });
            return [
              fused,
              tf.conv2d(inputs.x, inputs.filter, strides, pad, 'NHWC', inputs.dilations as Pair),
            ];
          });
        },
      ),
      { numRuns: 120 },
    );
  });

  it('tells NCHW from what it serves', () => {
    const run = () =>
      tf.conv2d(tf.ones<tf.Rank.R4>([1, 1, 4, 4]), tf.ones<tf.Rank.R4>([2, 2, 1, 1]), 1, 'valid', 'NCHW');
    expect(() => tf.tidy(run)).toThrow("'channelsLast'");
  });
});

describe('the gradients of conv2d on wasm', () => {
  it('agree with the cpu backend', async () => {
    await fc.assert(
      fc.asyncProperty(
        convolution,
        seed,
        async ({ batch, size, inChannels, outChannels, filter, strides, pad }, s) => {
          await expectSameAsCpu(() => {
            const x = randomTensor([batch, ...size, inChannels], s) as tf.Tensor4D;
            const w = randomTensor([...filter, inChannels, outChannels], s + 1) as tf.Tensor4D;
            const info = tf.backend_util.computeConv2DInfo(x.shape, w.shape, strides, 1, pad);
            const dy = randomTensor([...info.outShape], s + 2) as tf.Tensor4D;
            return backpropagate(x, w, dy, strides, pad);
          });
        },
      ),
      { numRuns: 120 },
    );
  });

  it('are right when the patches take several chunks', async () => {
    await expectSameAsCpu(() => {
      const x = randomTensor([3, 34, 30, 16], 1) as tf.Tensor4D;
      const w = randomTensor([3, 3, 16, 8], 2) as tf.Tensor4D;
      const dy = randomTensor([3, 34, 30, 8], 3) as tf.Tensor4D;
      return backpropagate(x, w, dy, [1, 1], 'same');
    });
  });

  it('are those of finite differences', () => {
    const x = randomTensor([2, 5, 4, 3], 1) as tf.Tensor4D;
    const w = randomTensor([3, 2, 3, 2], 2) as tf.Tensor4D;
    const loss = (a: tf.Tensor, b: tf.Tensor) =>
      tf.sum(tf.square(tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, [2, 1], 'same'))) as tf.Scalar;
    expectGradients(loss, [x, w]);
    tf.dispose([x, w]);
  });

  it('are those of finite differences where it is dilated, which tfjs does not differentiate itself', () => {
    const inputs = [randomTensor([2, 7, 6, 3], 1), randomTensor([3, 2, 3, 2], 2)];
    const convolve = (x: tf.Tensor, w: tf.Tensor) =>
      tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same', 'NHWC', [2, 3]);
    expectGradients((x, w) => tf.sum(tf.square(convolve(x!, w!))) as tf.Scalar, inputs);
    tf.dispose(inputs);
  });

  it('refuse a gradient of the wrong shape', () => {
    const refused = () =>
      backpropagate(tf.ones([1, 4, 4, 1]), tf.ones([3, 3, 1, 1]), tf.ones([1, 3, 3, 1]), [1, 1], 'valid');
    expect(() => tf.tidy(() => void refused())).toThrow('dy must have the shape [1,2,2,1], got [1,3,3,1]');
  });
});

describe('the gradients of depthwiseConv2d on wasm', () => {
  it('agree with the cpu backend', async () => {
    await fc.assert(
      fc.asyncProperty(
        convolution,
        small(1, 3),
        seed,
        async ({ batch, size, inChannels, filter, strides, pad }, multiplier, s) => {
          await expectSameAsCpu(() => {
            const x = randomTensor([batch, ...size, inChannels], s) as tf.Tensor4D;
            const w = randomTensor([...filter, inChannels, multiplier], s + 1) as tf.Tensor4D;
            const info = tf.backend_util.computeConv2DInfo(
              x.shape,
              w.shape,
              strides,
              1,
              pad,
              undefined,
              true,
            );
            const dy = randomTensor([...info.outShape], s + 2) as tf.Tensor4D;
            return [
              run(
                'DepthwiseConv2dNativeBackpropInput',
                { dy, filter: w },
                { strides, pad, dilations: 1, inputShape: x.shape },
              ),
              run(
                'DepthwiseConv2dNativeBackpropFilter',
                { x, dy },
                { strides, pad, dilations: 1, filterShape: w.shape },
              ),
            ];
          });
        },
      ),
      { numRuns: 120 },
    );
  });

  it('are those of finite differences', () => {
    const x = randomTensor([2, 6, 5, 4], 1) as tf.Tensor4D;
    const w = randomTensor([3, 2, 4, 2], 2) as tf.Tensor4D;
    const loss = (a: tf.Tensor, b: tf.Tensor) =>
      tf.sum(tf.square(tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, [2, 2], 'same'))) as tf.Scalar;
    expectGradients(loss, [x, w]);
    tf.dispose([x, w]);
  });
});

it('differentiates a dilated depthwise convolution as finite differences do', () => {
  const inputs = [randomTensor([2, 7, 6, 4], 1), randomTensor([3, 2, 4, 2], 2)];
  const convolve = (x: tf.Tensor, w: tf.Tensor) =>
    tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same', 'NHWC', [2, 3]);
  expectGradients((x, w) => tf.sum(tf.square(convolve(x!, w!))) as tf.Scalar, inputs);
  tf.dispose(inputs);
});

it('trains a small convolutional network to the losses of the cpu backend', async () => {
  const losses: Record<string, number[]> = {};
  for (const backend of ['cpu', 'wasm'] as const) {
    await tf.setBackend(backend);
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({
          filters: 4,
          kernelSize: 3,
          inputShape: [8, 8, 2],
          padding: 'same',
          kernelInitializer: init(1),
        }),
        tf.layers.batchNormalization(),
        tf.layers.reLU(),
        tf.layers.maxPooling2d({ poolSize: 2 }),
        tf.layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: init(2) }),
        tf.layers.averagePooling2d({ poolSize: 2 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 3, kernelInitializer: init(3) }),
      ],
    });
    const x = randomTensor([6, 8, 8, 2], 4);
    const y = tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2], 'int32'), 3);
    const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 });
    losses[backend] = Array.from({ length: 6 }, () => {
      const loss = optimizer.minimize(
        () => tf.losses.softmaxCrossEntropy(y, model.apply(x, { training: true }) as tf.Tensor) as tf.Scalar,
        true,
      )!;
      return loss.dataSync()[0]!;
    });
  }
  expectClose(losses['wasm']!, losses['cpu']!, 1e-4);
});

it('leaves tensors and memory alone over a hundred steps of a convolutional network', async () => {
  await tf.setBackend('wasm');
  const backend = tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } };
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 2] }),
      tf.layers.batchNormalization(),
      tf.layers.reLU(),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 3 }),
    ],
  });
  const x = randomTensor([6, 8, 8, 2], 4);
  const y = tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2], 'int32'), 3);
  const optimizer = sgd({ learningRate: 0.01, momentum: 0.9 });
  const step = () => {
    const lossOf = () => tf.losses.softmaxCrossEntropy(y, model.apply(x, { training: true }) as tf.Tensor);
    optimizer.minimize(lossOf as () => tf.Scalar);
  };
  const state = () => [tf.memory().numTensors, tf.memory().numBytes, backend.wasm.HEAPU8.byteLength];
  step();
  step();
  const before = state();
  for (let i = 0; i < 100; i++) step();
  expect(state()).toEqual(before);
});

function init(seedOf: number) {
  return tf.initializers.heNormal({ seed: seedOf });
}

function backpropagate(
  x: tf.Tensor4D,
  w: tf.Tensor4D,
  dy: tf.Tensor4D,
  strides: Pair,
  pad: 'same' | 'valid' | number,
) {
  const attrs = { strides, pad, dataFormat: 'NHWC' };
  const inputShape = x.shape as Shape4;
  const filterShape = w.shape as Shape4;
  return [
    run('Conv2DBackpropInput', { dy, filter: w }, { ...attrs, inputShape }),
    run('Conv2DBackpropFilter', { x, dy }, { ...attrs, filterShape }),
  ];
}

function run(kernel: string, inputs: Record<string, tf.Tensor>, attrs: tf.NamedAttrMap): tf.Tensor {
  return tf.engine().runKernel(kernel, inputs, attrs) as tf.Tensor;
}
