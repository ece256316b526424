/**
 * A compressed model in a worker, so that the page stays free while it predicts. From the repository's root, the model and
 * the page, at http://localhost:5173:
 *
 *     node examples/pretrained-from-files/prune.js examples/worker-page/public/out && npx vite examples/worker-page
 */
/* global document, Worker */
import { digit } from '../digit.js';

const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
const report = document.querySelector('#report');
worker.onmessage = ({ data }) => (report.textContent = data);
worker.onerror = ({ message }) => (report.textContent = message);
worker.postMessage({ model: new URL('out/model.json', document.baseURI).href, input: digit });
