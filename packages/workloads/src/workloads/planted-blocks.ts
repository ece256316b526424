/** The default workload: a regression made from the seed, whose true block support is known. */
import { aText, assertArgument, assertKnownOptions } from '@espalier/core';
import { plantedBlocks as makePlantedBlocks, type PlantedBlocksSettings } from '@espalier/datasets';
import { multilayerPerceptron } from '@espalier/models';
import { sgd } from '@espalier/optimizers';

import { regression } from '../tasks/regression.js';
import { cosineDecay, type Workload } from '../workload.js';

const learningRate = cosineDecay(0.1);

/** What the default workload is made of: hard enough that the size of a trained weight misleads. */
export const plantedBlocksSettings: PlantedBlocksSettings = {
  inputs: 256,
  outputs: 128,
  blockShape: [8, 8],
  density: 0.1,
  trainExamples: 2048,
  testExamples: 2048,
  correlation: 0.9,
  scaleRange: 3,
  noise: 1,
};

/** The planted task, in a variant of its own. */
export function plantedBlocksWorkload(
  name: string,
  description: string,
  changes: Partial<PlantedBlocksSettings> = {},
): Workload {
  const of = 'plantedBlocksWorkload()';
  assertArgument(of, 'name', name, aText("a name, such as 'planted-easy'"));
  assertArgument(of, 'description', description, aText('a line for lists'));
  assertKnownOptions(changes, Object.keys(plantedBlocksSettings), `${of}: changes`);
  const settings = { ...plantedBlocksSettings, ...changes };
  const { inputs, outputs, blockShape } = settings;
  return {
    name,
    description,
    task: regression,
    defaults: { sparsities: [0.9], blockShapes: [blockShape], seeds: [0, 1, 2], epochs: 40, batchSize: 64 },
    async load({ seed }) {
      const { weights, ...data } = makePlantedBlocks(seed, settings);
      return { ...data, truth: { 'dense_1/kernel': weights } };
    },
    model: (seed) => multilayerPerceptron({ inputs, hidden: [], outputs, seed, useBias: false }),
    optimizer: () => sgd({ learningRate: learningRate(0), momentum: 0.9, weightDecay: 5e-4 }),
    learningRate,
    scales: { smoke: { defaults: { epochs: 8, seeds: [0] } } },
  };
}

export default plantedBlocksWorkload(
  'planted-blocks',
  'A regression made from the seed, its true block support known',
);
