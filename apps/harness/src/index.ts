/** For `espalier.config.ts` and for workloads of one's own; the command itself is `espalier`. */
export { defineConfig, type EspalierConfig } from './registry.js';
export {
  cosineDecay,
  type TunableOptimizer,
  type Workload,
  type WorkloadData,
  type WorkloadDefaults,
} from './workload.js';
export type { Row, Summary } from './report/summary.js';
export { mnistMlp } from './workloads/mnist-mlp.js';
export { plantedBlocksSettings, plantedBlocksWorkload } from './workloads/planted-blocks.js';
