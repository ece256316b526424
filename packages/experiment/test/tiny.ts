/** The planted task in small: a trial takes an instant. A module of its own, which processes load by its path. */
import { plantedBlocksWorkload } from '@espalier/workloads/planted-blocks';

const planted = plantedBlocksWorkload('tiny', 'the planted task in small', {
  inputs: 64,
  outputs: 32,
  trainExamples: 512,
  testExamples: 128,
});

export default {
  ...planted,
  defaults: { ...planted.defaults, seeds: [0], epochs: 8, batchSize: 32 },
  target: { minimumBlocks: 8 },
};
