// Registers every kernel of this package, and those of @espalier/blocks, with tfjs for the backend 'wasm', at import. An engine without WebAssembly
// SIMD keeps the stock kernels.

import '@tensorflow/tfjs-backend-wasm';
import '@espalier/blocks/wasm';
import { registerWasmKernel, replaceWasmKernel } from '@espalier/blocks';
import { cast, identity } from './alias.js';
import { BATCH_NORM_GRAD, fusedBatchNorm, fusedBatchNormGrad, fusedBatchNormGradient } from './batch-norm.js';
import { BINARY_KINDS, binary } from './binary.js';
import {
  SOFTMAX_CROSS_ENTROPY,
  SOFTMAX_CROSS_ENTROPY_GRAD,
  registerCrossEntropyGradient,
  softmaxCrossEntropyGradKernel,
  softmaxCrossEntropyKernel,
} from './cross-entropy.js';
import {
  conv2d,
  conv2dBackpropFilter,
  conv2dBackpropInput,
  depthwiseBackpropFilter,
  depthwiseBackpropInput,
  dilatedConv2dGradient,
  dilatedDepthwiseGradient,
  fusedConv2d,
} from './convolution.js';
import { einsum, registerEinsumGradient } from './einsum.js';
import { replaceGradient } from './fused-gradient.js';
import { batchMatMul, fusedMatMul } from './matmul.js';
import { avgPoolGrad, maxPoolGrad } from './pooling.js';
import { SPREAD, fusedMeanGradient, fusedSumGradient, mean, spread, sum } from './reduce.js';
import { RELU_GRAD, fusedReluGradient, reluGrad } from './relu-gradient.js';
import { simdSupported } from './kernels.js';
import { unsortedSegmentSum } from './segment-sum.js';
import { gatherV2, slice, splitV, unpack } from './slices.js';
import { tanh } from './tanh.js';
import { tile } from './tile.js';
import {
  ADAM_UPDATE,
  MOMENTUM_UPDATE,
  SGD_UPDATE,
  adamUpdate,
  momentumUpdate,
  sgdUpdate,
} from './updates.js';

if (simdSupported()) {
  replaceWasmKernel('BatchMatMul', batchMatMul);
  replaceWasmKernel('_FusedMatMul', fusedMatMul);
  replaceWasmKernel('Conv2D', conv2d);
  replaceWasmKernel('FusedConv2D', fusedConv2d);
  replaceWasmKernel('Conv2DBackpropInput', conv2dBackpropInput);
  replaceWasmKernel('Sum', sum);
  replaceWasmKernel('Mean', mean);
  for (const [name, kind] of Object.entries(BINARY_KINDS)) replaceWasmKernel(name, binary(kind));
  replaceWasmKernel('FusedBatchNorm', fusedBatchNorm);
  replaceWasmKernel('Tile', tile);
  replaceWasmKernel('Slice', slice);
  replaceWasmKernel('SplitV', splitV);
  replaceWasmKernel('Unpack', unpack);
  replaceWasmKernel('GatherV2', gatherV2);
  replaceWasmKernel('Tanh', tanh);
  replaceWasmKernel('MaxPoolGrad', () => maxPoolGrad);
  replaceWasmKernel('AvgPoolGrad', () => avgPoolGrad);
  replaceWasmKernel('Identity', identity);
  replaceWasmKernel('Cast', cast);
  registerWasmKernel('Conv2DBackpropFilter', conv2dBackpropFilter);
  registerWasmKernel('DepthwiseConv2dNativeBackpropFilter', depthwiseBackpropFilter);
  registerWasmKernel('DepthwiseConv2dNativeBackpropInput', depthwiseBackpropInput);
  registerWasmKernel('UnsortedSegmentSum', unsortedSegmentSum);
  registerWasmKernel('Einsum', einsum);
  registerWasmKernel(RELU_GRAD, reluGrad);
  registerWasmKernel(SGD_UPDATE, sgdUpdate);
  registerWasmKernel(MOMENTUM_UPDATE, momentumUpdate);
  registerWasmKernel(ADAM_UPDATE, adamUpdate);
  registerWasmKernel(SOFTMAX_CROSS_ENTROPY, softmaxCrossEntropyKernel);
  registerWasmKernel(SOFTMAX_CROSS_ENTROPY_GRAD, softmaxCrossEntropyGradKernel);
  registerWasmKernel(SPREAD, spread);
  registerWasmKernel(BATCH_NORM_GRAD, fusedBatchNormGrad);
  registerEinsumGradient();
  registerCrossEntropyGradient();
  replaceGradient('Relu', fusedReluGradient);
  replaceGradient('Sum', fusedSumGradient);
  replaceGradient('Mean', fusedMeanGradient);
  replaceGradient('Conv2D', dilatedConv2dGradient);
  replaceGradient('DepthwiseConv2dNative', dilatedDepthwiseGradient);
  replaceGradient('FusedBatchNorm', fusedBatchNormGradient);
}
