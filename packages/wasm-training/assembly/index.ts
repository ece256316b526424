// Everything the JavaScript side calls. The module owns no memory: it imports the tfjs backend's, and must have
// no data segment of its own (tools/build-wasm.mjs checks that).

export { batchNorm, batchNormFactor, batchNormGradient } from './batch-norm';
export { batchNormStatistics, batchNormTrainingGradient, movingAverage } from './batch-norm-training';
export { gatherColumns, gatherPatchColumns, packTransposedBlocks, scatterParts } from './block-panels';
export { clear, convFilterGradient, convolution, convInputGradient, gatherPatches, scatterPatches, turnFilter } from './convolution';
export { copyRuns, gatherRuns } from './copy';
export { depthwiseFilterGradient, depthwiseInputGradient } from './depthwise';
export { binary, relu, reluGrad, tanh } from './elementwise';
export { finishColumns } from './epilogue';
export { gemm, gemmScratchBytes, multiplyMatrices } from './gemm';
export { spreadMiddle, sumMiddle } from './reduce';
export { avgPoolGradient, maxPoolGradient } from './pooling';
export { segmentSum } from './segments';
export { winogradBytes, winogradConvolution, winogradFilterGradient } from './winograd';
