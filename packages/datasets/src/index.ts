/** Data as plain typed arrays, for Node and browsers: what is made from a seed, and what every data set is. */
export { DataError } from './data-error.js';
export type { Batch, DataSet, Examples } from './examples.js';
export {
  plantedBlocks,
  type PlantedBlocks,
  type PlantedBlocksSettings,
} from './planted-blocks/planted-blocks.js';
export { permutation, random, type Random } from './random.js';
