/**
 * Criteo's Display Advertising Challenge with the network of arXiv 2402.17902 §4.2: an embedding of size 10 of each of
 * 39 fields, three layers of 400, of which the first is pruned.
 */
import { loadCriteo, type Criteo } from '@espalier/datasets/criteo';
import { embeddingPerceptron } from '@espalier/models';
import { adam } from '@espalier/optimizers';

import { binaryClassification } from '../tasks/binary-classification.js';
import type { LoadOptions, Workload, WorkloadData } from '../workload.js';

/** The paper's, for batches of 32,768. */
const [FIRST_RATE, LAST_RATE] = [2e-2, 3e-4];
/** The same course for small batches: a tenth. */
const SMALL_BATCHES = 0.1;

const exponentialDecay = (factor: number) => (t: number) =>
  factor * FIRST_RATE * (LAST_RATE / FIRST_RATE) ** t;
const paperRate = exponentialDecay(1);
const smallRate = exponentialDecay(SMALL_BATCHES);

/** At most so many of the file's first rows, whatever it has. */
const firstRows =
  (rows: number) =>
  ({ dataFolder, onProgress }: LoadOptions) =>
    loadCriteo(dataFolder, { rows, ...(onProgress && { onProgress }) });

/** Of the data, whose vocabulary makes the table. */
function fieldSizesOf(data: WorkloadData): readonly number[] {
  const { fieldSizes } = data as Partial<Criteo>;
  if (Array.isArray(fieldSizes)) return fieldSizes as readonly number[];
  throw new TypeError(
    'criteo-mlp takes data that says how many tokens each field has, by fieldSizes, as loadCriteo() gives them',
  );
}

const criteoMlp: Workload = {
  name: 'criteo-mlp',
  description: 'Criteo clicks: 39 embeddings of 10, three layers of 400, the first pruned',
  task: binaryClassification,
  defaults: { sparsities: [0.9], blockShapes: [[10, 10]], seeds: [0, 1, 2], epochs: 10, batchSize: 128 },
  load: firstRows(10_000),
  model(seed, data) {
    const sizes = fieldSizesOf(data);
    const tokens = sizes.reduce((sum, size) => sum + size, 0);
    return embeddingPerceptron({ fields: sizes.length, tokens, size: 10, hidden: [400, 400, 400], outputs: 1, seed }); // prettier-ignore
  },
  optimizer: () => adam({ learningRate: smallRate(0) }),
  learningRate: smallRate,
  target: { kernels: (name) => name === 'dense_1/kernel' },
  settings: {
    acdc: { plan: 'criteo', prunedWeights: 'masked' },
    'sequential-attention-plus-plus': { plan: 'criteo' },
  },
  scales: {
    smoke: { load: firstRows(2000), defaults: { seeds: [0], epochs: 2, batchSize: 16 } },
    paper: {
      load: ({ dataFolder, onProgress }) =>
        loadCriteo(dataFolder, { split: 'position', ...(onProgress && { onProgress }) }),
      optimizer: () => adam({ learningRate: paperRate(0) }),
      learningRate: paperRate,
      defaults: {
        sparsities: [0.9, 0.95, 0.97, 0.98, 0.99],
        blockShapes: [
          [5, 5],
          [10, 10],
          [20, 20],
        ],
        epochs: 25,
        batchSize: 32_768,
      },
    },
  },
};

export default criteoMlp;
