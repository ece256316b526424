/**
 * The planted task with each of its difficulties taken away, to see which strategy each one costs:
 *
 *     npx espalier compare --config benchmarks/planted-blocks.config.ts --workload planted-uncorrelated …
 */
import { defineConfig } from 'espalier/config';
import { plantedBlocksWorkload } from '@espalier/workloads/planted-blocks';

const variants = [
  plantedBlocksWorkload('planted-uncorrelated', 'No partner groups', { correlation: 0 }),
  plantedBlocksWorkload('planted-unscaled', 'All inputs on one scale', { scaleRange: 1 }),
  plantedBlocksWorkload('planted-plain', 'Neither partner groups nor scales', {
    correlation: 0,
    scaleRange: 1,
  }),
];

export default defineConfig({
  workloads: Object.fromEntries(variants.map((workload) => [workload.name, workload])),
});
