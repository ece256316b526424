/** MNIST, and the format of its files: for Node. */
export { parseIdx, type IdxArray } from './idx.js';
export { loadMnist, mnistDownload } from './mnist.js';
