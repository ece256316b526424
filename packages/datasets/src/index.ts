/** Data as plain typed arrays, for Node and browsers: what is made from a seed, and what every data set is. */
export { DataError } from './data-error.js';
export {
  sizeOf,
  type Batch,
  type DataSet,
  type Draw,
  type Examples,
  type Field,
  type MemoryExamples,
  type Values,
} from './examples.js';
export { fromArrays, type ArraysSettings, type OwnExamples, type OwnSplit } from './own/from-arrays.js';
export { fromGenerator, type GeneratorSettings, type OwnExample } from './own/from-generator.js';
export { fromPixels, type PixelsSettings } from './own/from-pixels.js';
export { inMemory, type Column } from './memory.js';
export { cutValidation, subset, type ValidationCut } from './splits.js';
export {
  plantedBlocks,
  type PlantedBlocks,
  type PlantedBlocksSettings,
} from './planted-blocks/planted-blocks.js';
export { permutation, random, type Random } from './random.js';
export type { PreparationProgress } from './preparation.js';
export {
  augmented,
  randomCrop,
  randomFlip,
  type Augmentation,
  type ImageChange,
  type ImageShape,
  type RandomCrop,
} from './images/augmentation.js';
export { normalisation, type ChannelStatistics, type Normalisation } from './images/normalisation.js';
