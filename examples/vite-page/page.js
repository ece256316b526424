/**
 * A compressed model in a page. From the repository's root, the model and the page, at http://localhost:5173:
 *
 *     node examples/pretrained-from-files/prune.js examples/vite-page/public/out && npx vite examples/vite-page
 *
 * `npx vite build examples/vite-page` makes a folder for any web server.
 */
/* global document */
import '@espalier/block-sparse/predict'; // makes the layers known to tfjs
import { loadDigits } from '@espalier/datasets/digits';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
// Vite puts the backend's own binaries beside the page; of the three, the browser fetches the one that it can run.
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
await tf.setBackend('wasm');

const model = await tf.loadLayersModel('out/model.json');
const { test } = await loadDigits();
const { inputs, targets } = test.gather(Array.from({ length: test.count }, (_, i) => i));
const read = tf.tidy(() =>
  model
    .predict(tf.tensor2d(inputs[0], [test.count, 64]))
    .argMax(-1)
    .dataSync(),
);
const right = read.filter((digit, i) => digit === targets[i]).length;

document.querySelector('#report').textContent = [
  `layers: ${model.layers.map((layer) => layer.getClassName()).join(', ')}`,
  `the first ten digits: ${Array.from(targets.slice(0, 10)).join(' ')}`,
  `are read as:          ${Array.from(read.slice(0, 10)).join(' ')}`,
  `right: ${right} of ${test.count}, on ${tf.getBackend()}`,
].join('\n');
