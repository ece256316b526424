// Registers the kernels with tfjs for the backend 'wasm', at import, whether that backend is there or not. An engine
// without WebAssembly SIMD is left alone: the ops then compose what they need of tfjs' own.

import { addKernel } from '@espalier/wasm-module';
import { BLOCK_SPARSE_CONV2D, blockSparseConv2d } from './convolution.js';
import { simdSupported } from './kernels.js';
import { COL2IM, IM2COL, col2im, im2col } from './patches.js';
import {
  BLOCK_SPARSE_MATMUL,
  BLOCK_SPARSE_WEIGHT_GRADIENT,
  blockSparseMatMul,
  blockSparseWeightGradient,
} from './product.js';
import {
  BLOCK_VALUES_DOT,
  GATHER_BLOCKS,
  SCALE_BLOCK_VALUES,
  SCATTER_BLOCKS,
  blockValuesDot,
  gatherBlocks,
  scaleBlockValues,
  scatterBlocks,
} from './values.js';

if (simdSupported()) {
  addKernel(BLOCK_SPARSE_MATMUL, blockSparseMatMul);
  addKernel(BLOCK_SPARSE_WEIGHT_GRADIENT, blockSparseWeightGradient);
  addKernel(GATHER_BLOCKS, gatherBlocks);
  addKernel(SCATTER_BLOCKS, scatterBlocks);
  addKernel(SCALE_BLOCK_VALUES, scaleBlockValues);
  addKernel(BLOCK_VALUES_DOT, blockValuesDot);
  addKernel(BLOCK_SPARSE_CONV2D, blockSparseConv2d);
  addKernel(IM2COL, im2col);
  addKernel(COL2IM, col2im);
}
