import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { BackendError, startBackend } from './index.js';

describe('startBackend', () => {
  it('starts the cpu backend', async () => {
    expect(await startBackend('cpu')).toMatchObject({ name: 'cpu' });
    expect(tf.getBackend()).toBe('cpu');
  });

  it('starts the wasm backend with the kernels that training needs', async () => {
    expect(await startBackend('wasm')).toMatchObject({ name: 'wasm' });
    const gradient = tf.tidy(() =>
      tf.grad((w: tf.Tensor) => w.matMul<tf.Tensor>(tf.ones([2, 3])).sum())(tf.ones([4, 2])),
    );
    // d/dw of the sum of w·1: each weight is used three times.
    expect([...gradient.dataSync()]).toEqual(Array(8).fill(3));
    expect(tf.getKernel('ScaleBlocks', 'wasm')).toBeDefined();
  });

  it('takes something that works when it may choose', async () => {
    const { name } = await startBackend('auto');
    expect(tf.getBackend()).toBe(name);
  });

  it('says what is missing of a backend that is not there, and falls back to nothing', async () => {
    await expect(startBackend('webgpu')).rejects.toThrow(BackendError);
    await startBackend('tensorflow').then(
      ({ name }) => expect(name).toBe('tensorflow'),
      (error: Error) => expect(error.message).toContain('npm install @tensorflow/tfjs-node-gpu'),
    );
  });
});
