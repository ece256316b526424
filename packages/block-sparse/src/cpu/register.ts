/** The kernels of the backend `cpu`: the definitions, written out as loops, that the others are tested against. */
import { blockValuesDot, gatherBlocks, scaleBlockValues, scatterBlocks } from './blocks.js';
import { registerForCpu } from './kernel.js';
import { col2im, im2col } from './patches.js';
import { matMul, weightGradient } from './products.js';

registerForCpu('BlockSparseMatMul', matMul);
registerForCpu('BlockSparseWeightGradient', weightGradient);
registerForCpu('GatherBlocks', gatherBlocks);
registerForCpu('ScatterBlocks', scatterBlocks);
registerForCpu('ScaleBlockValues', scaleBlockValues);
registerForCpu('BlockValuesDot', blockValuesDot);
registerForCpu('Im2Col', im2col);
registerForCpu('Col2Im', col2im);
