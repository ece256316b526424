// What the tfjs wasm backend lacks for training. Importing this module registers the kernels:
//
//   import * as tf from '@tensorflow/tfjs';
//   import '@espalier/wasm-training';
//   await tf.setBackend('wasm');
//
// The optimisers and the loss run on every backend; on wasm they are one pass each.

import './register.js';

export { AdamOptimizer, adam, type AdamSettings } from './adam.js';
export { softmaxCrossEntropy } from './cross-entropy.js';
export { SgdOptimizer, sgd, type SgdSettings } from './sgd.js';
