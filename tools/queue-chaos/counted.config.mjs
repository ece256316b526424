/** A small task that says of each step that it was trained: a byte in the file `$ESPALIER_STEPS`. */
import { appendFileSync } from 'node:fs';

import { plantedBlocksWorkload } from '@espalier/workloads/planted-blocks';

const planted = plantedBlocksWorkload('counted', 'the planted task in small, counted', {
  inputs: 64,
  outputs: 32,
  trainExamples: 512,
  testExamples: 128,
});

const file = process.env.ESPALIER_STEPS;
// Asked for once a step; elsewhere by what hashes its course.
const counts = file !== undefined && process.argv[1]?.endsWith('trial-process.js');

export default {
  workloads: {
    counted: {
      ...planted,
      defaults: {
        ...planted.defaults,
        seeds: [0],
        epochs: Number(process.env.ESPALIER_EPOCHS ?? 30),
        batchSize: 32,
      },
      target: { minimumBlocks: 8 },
      learningRate(progress) {
        if (counts) appendFileSync(file, '.');
        return planted.learningRate(progress);
      },
    },
  },
};
