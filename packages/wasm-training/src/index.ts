// What the tfjs wasm backend lacks for training. Importing this module registers the kernels:
//
//   import * as tf from '@tensorflow/tfjs';
//   import '@espalier/wasm-training';
//   await tf.setBackend('wasm');

import './register.js';

export { simdSupported } from './wasm/link.js';
