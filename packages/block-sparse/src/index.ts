/** Block-sparse layers for TensorFlow.js: what makes pruned models smaller and faster. */
import './register.js';

export { compress, decompress, type CompressedModel } from './compress.js';
export {
  compressionReport,
  type CompressedKernelReport,
  type CompressionReport,
} from './compression-plan.js';
export { compressGraphModel, graphCompressionReport, type HowToCompressGraph } from './graph/compress.js';
export type { HowToCompress } from './how-to-compress.js';
export { checked } from './files/checked.js';
export { withoutChecksums } from './files/without-checksums.js';
export { costsOf, sparseIsFaster, type Costs } from './cost.js';
export { measureCosts } from './measure-costs.js';
export { sparsePhases, type SparsePhasesOptions } from './sparse-phases.js';
export { saveQuantized, type QuantizedSaveConfig } from './quantize/save.js';
export type { Precision } from './quantize/encode.js';
export type { HowToQuantize, Quantization } from './quantize/plan.js';
export {
  quantizationReport,
  type QuantizationReport,
  type QuantizedKernelReport,
} from './quantize/report.js';
