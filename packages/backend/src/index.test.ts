import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';

import { BackendError, backendNames, isBackendChoice, probeBackend, startBackend } from './index.js';
import { remedyFor } from './remedy.js';

describe('startBackend', () => {
  it('starts the cpu backend', async () => {
    expect(await startBackend('cpu')).toMatchObject({ name: 'cpu', kind: 'processor', choice: 'cpu' });
    expect(tf.getBackend()).toBe('cpu');
  });

  it('starts the wasm backend with the kernels that training needs', async () => {
    expect(await startBackend('wasm')).toMatchObject({ name: 'wasm', kind: 'processor' });
    const gradient = tf.tidy(() =>
      tf.grad((w: tf.Tensor) => w.matMul<tf.Tensor>(tf.ones([2, 3])).sum())(tf.ones([4, 2])),
    );
    // d/dw of the sum of w·1: each weight is used three times.
    expect([...gradient.dataSync()]).toEqual(Array(8).fill(3));
    expect(tf.getKernel('ScaleBlocks', 'wasm')).toBeDefined();
  });

  it('has nothing to wait for where computing takes the caller’s own time', async () => {
    const backend = await startBackend('cpu');
    await backend.finished();
    expect(backend.gpuMemoryBytes()).toBeNull();
    expect(await Promise.race([backend.failure, Promise.resolve('no failure')])).toBe('no failure');
  });

  it('takes something that works when it may choose', async () => {
    const { name, choice } = await startBackend('auto');
    expect(tf.getBackend()).toBe(name);
    expect(choice).not.toBe('auto');
  });
});

describe('a choice', () => {
  it.each(['auto', ...backendNames, 'webgpu:NVIDIA H100', 'tensorflow:2.21.0', 'tensorflow:2.21.0-cuda'])(
    'may be %s',
    (text) => {
      expect(isBackendChoice(text)).toBe(true);
    },
  );
  it.each(['', 'gpu', 'webgpu:', 'wasm:simd', 'tensorflow:', 'tensorflow:cuda'])('is not "%s"', (text) => {
    expect(isBackendChoice(text)).toBe(false);
  });
});

describe('what is no choice', () => {
  it.each<[unknown, string]>([
    [undefined, 'there is no backend undefined: There are auto, tensorflow, webgpu, wasm, cpu, webgpu:<part'],
    ['wsam', "there is no backend 'wsam' (a string); did you mean wasm? There are auto, "],
    ['webgpu:', "there is no backend 'webgpu:' (a string); did you mean webgpu?"],
    [['wasm'], "there is no backend ['wasm'] (an array)"],
    [Promise.resolve('wasm'), 'there is no backend a promise'],
  ])('%j is refused at once', async (choice, message) => {
    await expect(startBackend(choice as never)).rejects.toThrow(`startBackend(): ${message}`);
    await expect(probeBackend(choice as never)).rejects.toThrow(`probeBackend(): ${message}`);
    await expect(startBackend(choice as never)).rejects.toThrow(BackendError);
    expect(isBackendChoice(choice)).toBe(false);
  });
});

describe('the remedy', () => {
  const started = { name: 'webgpu', device: 'a card', kind: 'gpu', choice: 'webgpu' } as const;

  it('is nothing where nothing is missing', async () => {
    expect(await remedyFor('webgpu', started, null)).toEqual({ missing: null, remedy: null });
    expect(await remedyFor('tensorflow', { ...started, name: 'tensorflow' }, null)).toEqual({
      missing: null,
      remedy: null,
    });
  });

  it('is still told where only a software adapter is present', async () => {
    const software = { ...started, kind: 'software adapter' } as const;
    expect((await remedyFor('webgpu', software, null)).missing).not.toBeNull();
  });

  it('repeats an error that it does not know', async () => {
    const error = 'The WebGPU adapter X gives no device: out of luck';
    expect(await remedyFor('webgpu', null, error)).toEqual({ missing: error, remedy: null });
  });
});
