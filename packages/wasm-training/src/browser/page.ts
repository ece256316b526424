// Runs in the page of the browser test: trains, and posts what came of it to the test's server.

import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { trainSmallNetwork } from './train.js';

async function run(): Promise<unknown> {
  setWasmPaths('/tfjs-wasm/');
  await tf.setBackend('wasm');
  const losses = trainSmallNetwork();
  return { losses, backend: tf.getBackend(), isolated: globalThis.crossOriginIsolated };
}

const result = await run().catch((error: unknown) => ({ error: String(error) }));
await fetch('/result', { method: 'POST', body: JSON.stringify(result) });
