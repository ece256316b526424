/**
 * Registers, for `wasm` and `webgpu`, the kernels that compressed models predict with, and the few that lie in the same files,
 * at import: for pages, where every kilobyte is waited for. What training asks for beside them is composed of tfjs' own ops, as
 * all of it is on other backends, until `@espalier/blocks/wasm` or `/webgpu` registers the rest.
 */
import { kernels as convolution } from '../ops/block-sparse-conv2d/wasm.js';
import { blockSparseMatMul } from '../ops/block-sparse-matmul/wasm-product.js';
import { matMul } from '../ops/block-sparse-matmul/webgpu-product.js';
import { kernels as gatherBlocks } from '../ops/gather-blocks/wasm.js';
import { kernels as gatherBlocksOnDevice } from '../ops/gather-blocks/webgpu.js';
import { kernels as patches } from '../ops/im2col/wasm.js';
import { kernels as patchesOnDevice } from '../ops/im2col/webgpu.js';
import { kernels as lookUpRows } from '../ops/look-up-rows/wasm.js';
import { registerWasmKernel } from './wasm/kernel.js';
import { simdSupported } from './wasm/predicting.js';
import { registerWebgpuKernel, type WebgpuKernel } from './webgpu/program.js';

const onWasm = {
  BlockSparseMatMul: blockSparseMatMul,
  ...{ ...convolution, ...gatherBlocks, ...patches, ...lookUpRows },
};
const onWebgpu = { BlockSparseMatMul: matMul, ...gatherBlocksOnDevice, ...patchesOnDevice };

if (simdSupported()) {
  for (const [name, kernel] of Object.entries(onWasm)) registerWasmKernel(name, kernel);
}
for (const [name, kernel] of Object.entries(onWebgpu)) {
  registerWebgpuKernel(name, kernel as WebgpuKernel<unknown>);
}
