// Registers every kernel of this package with tfjs for the backend 'wasm', at import, and with them the kernels that training
// needs of @espalier/optimizers and @espalier/blocks. An engine without WebAssembly SIMD keeps the stock kernels.

import '@tensorflow/tfjs-backend-wasm';
import '@espalier/blocks/wasm';
import '@espalier/optimizers/wasm';

import { register } from './kernel-set.js';
import { alias } from './kernels/alias.js';
import { batchNorm } from './kernels/batch-norm.js';
import { binary } from './kernels/binary.js';
import { convolution } from './kernels/convolution.js';
import { depthwise } from './kernels/depthwise.js';
import { einsum, registerEinsumGradient } from './kernels/einsum.js';
import { matmul } from './kernels/matmul.js';
import { pooling } from './kernels/pooling.js';
import { reduction } from './kernels/reduce.js';
import { relu } from './kernels/relu.js';
import { segmentSum } from './kernels/segment-sum.js';
import { slices } from './kernels/slices.js';
import { tanh } from './kernels/tanh.js';
import { tile } from './kernels/tile.js';
import { simdSupported } from './wasm/link.js';

const sets = [
  ...[matmul, convolution, depthwise, einsum],
  ...[batchNorm, pooling, reduction, relu, binary, tanh],
  ...[tile, slices, segmentSum, alias],
];

if (simdSupported()) {
  sets.forEach(register);
  registerEinsumGradient();
}
