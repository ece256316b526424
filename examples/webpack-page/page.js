/**
 * A compressed model in a page that webpack makes. From the repository's root, with `webpack-cli` installed:
 *
 *     node examples/pretrained-from-files/prune.js examples/webpack-page/out
 *     npx webpack --config examples/webpack-page/webpack.config.js
 *
 * Then `examples/webpack-page` is a folder for any web server.
 */
/* global document */
import '@espalier/block-sparse/predict'; // makes the layers known to tfjs
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';

import { digit } from '../digit.js';

// webpack puts a file beside the page whose URL is written so.
setWasmPaths({
  'tfjs-backend-wasm.wasm': new URL(
    '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm',
    import.meta.url,
  ).href,
  'tfjs-backend-wasm-simd.wasm': new URL(
    '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
    import.meta.url,
  ).href,
  'tfjs-backend-wasm-threaded-simd.wasm': new URL(
    '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm',
    import.meta.url,
  ).href,
});

async function report() {
  await tf.setBackend('wasm');
  const model = await tf.loadLayersModel('out/model.json');
  const outputs = model.predict(tf.tensor2d(digit, [1, 64]));
  return `outputs: ${Array.from(await outputs.data()).join(' ')}\non ${tf.getBackend()}`;
}

report()
  .catch(String)
  .then((text) => (document.querySelector('#report').textContent = text));
