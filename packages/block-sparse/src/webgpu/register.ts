/** The kernels of the backend `webgpu`, in WGSL; registered at import, whether that backend is there or not. */
import { col2im, im2col } from './patches.js';
import { matMul } from './product.js';
import { registerForWebgpu } from './program.js';
import { blockValuesDot, gatherBlocks, scaleBlockValues, scatterBlocks } from './values.js';
import { weightGradient } from './weight-gradient.js';

registerForWebgpu('BlockSparseMatMul', matMul);
registerForWebgpu('BlockSparseWeightGradient', weightGradient);
registerForWebgpu('GatherBlocks', gatherBlocks);
registerForWebgpu('ScatterBlocks', scatterBlocks);
registerForWebgpu('ScaleBlockValues', scaleBlockValues);
registerForWebgpu('BlockValuesDot', blockValuesDot);
registerForWebgpu('Im2Col', im2col);
registerForWebgpu('Col2Im', col2im);
