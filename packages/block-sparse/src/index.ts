/** Block-sparse layers for TensorFlow.js: what makes pruned models smaller and faster. */
import './register.js';

export { compress, decompress } from './compress.js';
export {
  compressionReport,
  type CompressedKernelReport,
  type CompressionReport,
  type HowToCompress,
} from './compression-plan.js';
export { costsOf, sparseIsFaster, type Costs } from './cost.js';
export { measureCosts } from './measure-costs.js';
export { sparsePhases, type SparsePhasesOptions } from './sparse-phases.js';
