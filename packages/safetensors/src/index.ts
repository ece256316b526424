/** Weights and masks between TensorFlow.js and PyTorch, as safetensors. */
export type { Dtype, SafeData, SafeTensor } from './dtypes.js';
export { readSafetensors, type SafeTensors } from './read.js';
export { writeSafetensors, type TensorToWrite } from './write.js';
export { loadSafetensors, type LoadOptions, type LoadReport } from './load.js';
export { torchTensors, type ExportOptions } from './export.js';
export type { NamingOptions } from './torch-weights.js';
export type { Flattened } from './flattened.js';
