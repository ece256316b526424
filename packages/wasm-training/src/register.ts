// Registers every kernel of this package with tfjs for the backend 'wasm', at import, and with them the kernels that training
// needs of @espalier/optimizers and @espalier/blocks, and the repairs of @espalier/gradients: first those, so that a kernel of
// this package stands in the place of a repair, and falls back to it. An engine without WebAssembly SIMD keeps the stock kernels.

import '@tensorflow/tfjs-backend-wasm';
import '@espalier/blocks/wasm';
import '@espalier/optimizers/wasm';
import { repairGradients } from '@espalier/gradients';

import { register } from './kernel-set.js';
import { alias } from './kernels/alias.js';
import { batchNorm } from './kernels/batch-norm.js';
import { binary } from './kernels/binary.js';
import { convolution } from './kernels/convolution.js';
import { depthwise } from './kernels/depthwise.js';
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
  ...[matmul, convolution, depthwise],
  ...[batchNorm, pooling, reduction, relu, binary, tanh],
  ...[tile, slices, segmentSum, alias],
];

repairGradients('wasm');
// What is trained on wasm is often compared with cpu.
repairGradients('cpu');
if (simdSupported()) sets.forEach(register);
