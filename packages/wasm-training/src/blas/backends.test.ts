import * as tf from '@tensorflow/tfjs';
import { expect, it } from 'vitest';
import { findBlas, useBlas } from './index.js';

const { library } = await findBlas();

it('needs a wasm backend that has been started', async () => {
  await expect(useBlas()).rejects.toThrow("start the wasm backend first: await tf.setBackend('wasm')");
  await tf.setBackend('wasm');
  expect((await useBlas()).library).toEqual(library);
});

it.skipIf(!library)('leaves memory alone that threads share', async () => {
  tf.removeBackend('wasm');
  const wasmMemory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  tf.registerBackend('wasm', () => ({ wasm: { wasmMemory } }) as never);
  expect(await useBlas()).toEqual({
    library: null,
    absence: 'the memory of the wasm backend is shared between threads',
    remedy: null,
  });
});
