/* global addEventListener, postMessage */
import '@espalier/block-sparse/predict'; // makes the layers known to tfjs
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';

setWasmPaths({
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threaded,
});

// Where a page is cross-origin isolated, tfjs takes its threads, which do not start in what Vite minifies.
tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);

addEventListener('message', ({ data: { model: address, input } }) => {
  report(address, input)
    .catch(String)
    .then((text) => postMessage(text));
});

async function report(address, input) {
  await tf.setBackend('wasm');
  const model = await tf.loadLayersModel(address);
  const outputs = model.predict(tf.tensor2d(input, [1, 64]));
  return `outputs: ${Array.from(await outputs.data()).join(' ')}\non ${tf.getBackend()}, in a worker`;
}
