/** The data sets that pruning workloads are made of, as plain typed arrays. */
export * from './data-folder.js';
export * from './download.js';
export * from './examples.js';
export { parseIdx, type IdxArray } from './idx.js';
export { loadMnist, mnistDownload } from './mnist.js';
export { plantedBlocks, type PlantedBlocks, type PlantedBlocksSettings } from './planted-blocks.js';
export * from './random.js';
