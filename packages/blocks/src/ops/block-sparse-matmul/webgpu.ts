import { matMul } from './webgpu-product.js';
import { weightGradient } from './webgpu-weight-gradient.js';

export const kernels = { BlockSparseMatMul: matMul, BlockSparseWeightGradient: weightGradient };
