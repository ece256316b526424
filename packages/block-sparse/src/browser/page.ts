/** Runs in the page of the browser test: loads a compressed model, and posts what it predicts to the test's server. */
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

import '../index.js';

async function run(): Promise<unknown> {
  setWasmPaths('/tfjs-wasm/');
  const images = (await (await fetch('/model/images.json')).json()) as number[][];
  const predictions: Record<string, number[]> = {};
  // Where the test has started the browser with a GPU of software.
  const adapter = await navigator.gpu?.requestAdapter();
  if (adapter) await import('@tensorflow/tfjs-backend-webgpu');
  for (const backend of ['wasm', 'cpu', ...(adapter ? ['webgpu'] : [])]) {
    await tf.setBackend(backend);
    const model = await tf.loadLayersModel('/model/model.json');
    const outputs = model.predict(tf.tensor2d(images)) as tf.Tensor;
    predictions[backend] = [...(await outputs.data())];
    if (tf.getBackend() !== backend)
      throw new Error(`The page computes on ${tf.getBackend()}, not on ${backend}`);
  }
  return { predictions };
}

const result = await run().catch((error: unknown) => ({ error: String(error) }));
await fetch('/result', { method: 'POST', body: JSON.stringify(result) });
