import '@espalier/block-sparse/predict'; // makes the layers known to tfjs
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

import { digit } from './digit.js';

export async function report() {
  // A copy of node_modules/@tensorflow/tfjs-backend-wasm/dist/*.wasm lies in public/.
  setWasmPaths('/tfjs-wasm/');
  await tf.setBackend('wasm');
  const model = await tf.loadLayersModel('/model/model.json');
  const outputs = model.predict(tf.tensor2d(digit, [1, 64]));
  return `outputs: ${Array.from(await outputs.data()).join(' ')}\non ${tf.getBackend()}`;
}
