import '@tensorflow/tfjs-backend-wasm';

import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it, vi } from 'vitest';

import { GradientError, repairGradients } from './index.js';

beforeAll(async () => {
  await tf.setBackend('wasm');
});

it('replaces kernels and gradients once, without a warning, and leaves the others alone', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const kernel = (name: string) => tf.getKernel(name, 'wasm').kernelFunc;
  const stock = { wrong: kernel('Conv3DBackpropInputV2'), right: kernel('Relu') };
  const others = tf.getKernel('Conv3DBackpropInputV2', 'cpu').kernelFunc;
  repairGradients();
  const repaired = kernel('Conv3DBackpropInputV2');
  const { gradFunc } = tf.getGradient('MirrorPad');
  expect(repaired).not.toBe(stock.wrong);
  expect(kernel('Relu')).toBe(stock.right);
  expect(tf.getKernel('Conv3DBackpropInputV2', 'cpu').kernelFunc).toBe(others);
  repairGradients();
  expect(kernel('Conv3DBackpropInputV2')).toBe(repaired);
  expect(tf.getGradient('MirrorPad').gradFunc).toBe(gradFunc);
  repairGradients('cpu');
  expect(tf.getKernel('Conv3DBackpropInputV2', 'cpu').kernelFunc).not.toBe(others);
  expect(tf.getGradient('MirrorPad').gradFunc).toBe(gradFunc);
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

it('leaves in its place what is registered over a repair', () => {
  const config = tf.getKernel('AvgPoolGrad', 'wasm');
  const own: tf.KernelFunc = (call) => config.kernelFunc(call);
  tf.unregisterKernel('AvgPoolGrad', 'wasm');
  tf.registerKernel({ ...config, kernelFunc: own });
  repairGradients();
  expect(tf.getKernel('AvgPoolGrad', 'wasm').kernelFunc).toBe(own);
});

it('refuses what a backend has no kernel for with the op, the backend and the way out', () => {
  const refused = () =>
    tf.tidy(() => {
      const op = (x: tf.Tensor) => tf.depthwiseConv2d(x as tf.Tensor4D, tf.ones([1, 1, 1, 1]), 1, 'same');
      return tf.grad(op)(tf.ones([1, 2, 2, 1]));
    });
  expect(refused).toThrow(GradientError);
  expect(refused).toThrow(
    "DepthwiseConv2dNativeBackpropInput on the wasm backend: tfjs has no such kernel there; import '@espalier/wasm-training', which brings it",
  );
});

it('gives gradients that have gradients, where tfjs had them', () => {
  // Of Σ (A x)², twice: 2 AᵀA 1, where A repeats the middle one of three elements thrice.
  const twice = tf.tidy(() => {
    const first = tf.grad((x: tf.Tensor) => tf.sum(tf.square(tf.mirrorPad(x, [[1, 1]], 'reflect'))));
    return tf
      .grad((x: tf.Tensor) => tf.sum(first(x)))(tf.tensor1d([1, 2, 3]))
      .dataSync() as never;
  }) as Float32Array;
  expect([...twice]).toEqual([2, 6, 2]);
});

it('conv3d by its input is the same in three runs, whatever lay in memory before', () => {
  const runs = Array.from({ length: 3 }, () => {
    // What is freed here is what the kernel is given.
    tf.fill([4, 5, 5, 5, 1], NaN).dispose();
    return tf.tidy(() => {
      const x = tf.randomUniform([2, 5, 5, 5, 1], -1, 1, 'float32', 3);
      const filter = tf.randomUniform([2, 2, 2, 1, 2], -1, 1, 'float32', 4) as tf.Tensor5D;
      const loss = (at: tf.Tensor) => tf.sum(tf.square(tf.conv3d(at as tf.Tensor5D, filter, 1, 'valid')));
      return tf.grad(loss)(x).dataSync() as never;
    }) as Float32Array;
  });
  expect(runs[0]!.every(Number.isFinite)).toBe(true);
  expect(runs[1]).toEqual(runs[0]);
  expect(runs[2]).toEqual(runs[0]);
});
