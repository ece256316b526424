/** Runs in the page of the browser test: trains in place, and posts what came out to the test's server. */
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

import { runTrials } from './trials.js';

async function run(): Promise<unknown> {
  setWasmPaths('/tfjs-wasm/');
  await tf.setBackend('wasm');
  return runTrials();
}

const result = await run().catch((error: unknown) => ({
  error: error instanceof Error ? (error.stack ?? error.message) : String(error),
}));
await fetch('/result', { method: 'POST', body: JSON.stringify(result) });
