// Registers every kernel of this package with tfjs for the backend 'wasm', at import. An engine without WebAssembly
// SIMD keeps the stock kernels.

import '@tensorflow/tfjs-backend-wasm';
import { addKernel, replaceKernel } from '@espalier/wasm-module';
import { cast, identity } from './alias.js';
import {
  SOFTMAX_ATTENTION,
  SOFTMAX_ATTENTION_GRAD,
  softmaxAttention,
  softmaxAttentionGrad,
} from './attention.js';
import { BATCH_NORM_GRAD, fusedBatchNorm, fusedBatchNormGrad, fusedBatchNormGradient } from './batch-norm.js';
import { BINARY_KINDS, binary } from './binary.js';
import {
  BLOCK_DOT,
  SCALE_BLOCKS,
  SCALE_BLOCKS_GRAD,
  blockDot,
  scaleBlocks,
  scaleBlocksGrad,
} from './blocks.js';
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
  replaceKernel('BatchMatMul', batchMatMul);
  replaceKernel('_FusedMatMul', fusedMatMul);
  replaceKernel('Conv2D', conv2d);
  replaceKernel('FusedConv2D', fusedConv2d);
  replaceKernel('Conv2DBackpropInput', conv2dBackpropInput);
  replaceKernel('Sum', sum);
  replaceKernel('Mean', mean);
  for (const [name, kind] of Object.entries(BINARY_KINDS)) replaceKernel(name, binary(kind));
  replaceKernel('FusedBatchNorm', fusedBatchNorm);
  replaceKernel('Tile', tile);
  replaceKernel('Slice', slice);
  replaceKernel('SplitV', splitV);
  replaceKernel('Unpack', unpack);
  replaceKernel('GatherV2', gatherV2);
  replaceKernel('Tanh', tanh);
  replaceKernel('MaxPoolGrad', () => maxPoolGrad);
  replaceKernel('AvgPoolGrad', () => avgPoolGrad);
  replaceKernel('Identity', identity);
  replaceKernel('Cast', cast);
  addKernel('Conv2DBackpropFilter', conv2dBackpropFilter);
  addKernel('DepthwiseConv2dNativeBackpropFilter', depthwiseBackpropFilter);
  addKernel('DepthwiseConv2dNativeBackpropInput', depthwiseBackpropInput);
  addKernel('UnsortedSegmentSum', unsortedSegmentSum);
  addKernel('Einsum', einsum);
  addKernel(RELU_GRAD, reluGrad);
  addKernel(SGD_UPDATE, sgdUpdate);
  addKernel(MOMENTUM_UPDATE, momentumUpdate);
  addKernel(ADAM_UPDATE, adamUpdate);
  addKernel(SCALE_BLOCKS, scaleBlocks);
  addKernel(SCALE_BLOCKS_GRAD, scaleBlocksGrad);
  addKernel(BLOCK_DOT, blockDot);
  addKernel(SOFTMAX_ATTENTION, softmaxAttention);
  addKernel(SOFTMAX_ATTENTION_GRAD, softmaxAttentionGrad);
  addKernel(SOFTMAX_CROSS_ENTROPY, softmaxCrossEntropyKernel);
  addKernel(SOFTMAX_CROSS_ENTROPY_GRAD, softmaxCrossEntropyGradKernel);
  addKernel(SPREAD, spread);
  addKernel(BATCH_NORM_GRAD, fusedBatchNormGrad);
  registerEinsumGradient();
  registerCrossEntropyGradient();
  replaceGradient('Relu', fusedReluGradient);
  replaceGradient('Sum', fusedSumGradient);
  replaceGradient('Mean', fusedMeanGradient);
  replaceGradient('Conv2D', dilatedConv2dGradient);
  replaceGradient('DepthwiseConv2dNative', dilatedDepthwiseGradient);
  replaceGradient('FusedBatchNorm', fusedBatchNormGradient);
}
