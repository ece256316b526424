import * as tf from '@tensorflow/tfjs';
import { expect, it, vi } from 'vitest';

it('replaces the kernels of tfjs without a warning, also when the backend runs already', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  await import('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
  const stock = tf.getKernel('BatchMatMul', 'wasm').kernelFunc;
  await import('./index.js');
  expect(tf.getKernel('BatchMatMul', 'wasm').kernelFunc).not.toBe(stock);
  const product = tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]).dataSync());
  expect([...product]).toEqual([11]);
  expect(() => tf.tidy(() => tf.matMul(tf.ones([1, 1], 'int32'), tf.ones([1, 1], 'int32')))).toThrow(
    'non-float32',
  );
  expect(warn).not.toHaveBeenCalled();
});
