import type { WasmKernel } from '../../backends/wasm/kernel.js';
import { blockSparseMatMul } from './wasm-product.js';
import { blockSparseWeightGradient } from './wasm-weight-gradient.js';

export const kernels: Readonly<Record<string, WasmKernel>> = {
  BlockSparseMatMul: blockSparseMatMul,
  BlockSparseWeightGradient: blockSparseWeightGradient,
};
