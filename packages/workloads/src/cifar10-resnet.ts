/**
 * CIFAR-10 with residual networks of 20 layers (He et al., arXiv 1512.03385, section 4.2), in AC/DC's recipe (Peste et
 * al. 2021, arXiv 2106.12379).
 */
import {
  augmented,
  normalisation,
  permutation,
  random,
  randomCrop,
  randomFlip,
  subset,
  type DataSet,
  type Examples,
} from '@espalier/datasets';
import { cifar10Statistics, loadCifar10 } from '@espalier/datasets/cifar';
import { resnet, resnet20 } from '@espalier/models';
import { sgd } from '@espalier/optimizers';

import { withWarmUp } from './schedules.js';
import { classification } from './tasks/classification.js';
import { cosineDecay, type LoadOptions, type Workload, type WorkloadDefaults } from './workload.js';

/** What sets one network apart from the other. */
export interface Cifar10Resnet extends Pick<Workload, 'name' | 'description'> {
  /** How many times as wide as ResNet-20. */
  readonly width: number;
  readonly blockShapes: WorkloadDefaults['blockShapes'];
}

const paper = cosineDecay(0.1);
/** A thousand steps have none to lose to a rate that is too high at first. */
const small = withWarmUp({ share: 0.1 }, paper);
/** For batches a sixteenth as large. */
const smoke = withWarmUp({ share: 0.1 }, cosineDecay(0.02));

const optimizer = (learningRate: (t: number) => number) => () =>
  sgd({ learningRate: learningRate(0), momentum: 0.9, weightDecay: 5e-4 });

/** Images of the smoke scale. */
const SMOKE = { train: 512, test: 256 };

export function cifar10Resnet({ name, description, width, blockShapes }: Cifar10Resnet): Workload {
  const stages = resnet20.stages.map(({ filters, blocks }) => ({ filters: width * filters, blocks }));
  return {
    name,
    description,
    task: classification,
    defaults: { sparsities: [0.9], blockShapes, seeds: [0, 1, 2], epochs: 3, batchSize: 128 },
    load: (options) => load(options),
    model: (seed) => resnet({ ...resnet20, stages, seed }),
    optimizer: optimizer(small),
    learningRate: small,
    // Of shares of training, so that they fit any number of epochs.
    settings: { acdc: { plan: 'cifar10' }, 'sequential-attention-plus-plus': { plan: 'cifar10' } },
    scales: {
      smoke: {
        load: async (options) => smokeOf(await load(options)),
        optimizer: optimizer(smoke),
        learningRate: smoke,
        defaults: { epochs: 2, batchSize: 8 },
      },
      paper: { optimizer: optimizer(paper), learningRate: paper, defaults: { epochs: 200 } },
    },
  };
}

async function load({ dataFolder, onProgress }: LoadOptions): Promise<DataSet> {
  const set = await loadCifar10(dataFolder, onProgress ? { onProgress } : {});
  const fill = normalisation(cifar10Statistics).black;
  return {
    ...set,
    train: augmented(set.train, resnet20.inputShape, [randomCrop({ padding: 4, fill }), randomFlip()]),
  };
}

/** Some of all classes, the same for every seed. */
function smokeOf(set: DataSet): DataSet {
  const some = (examples: Examples, count: number) =>
    subset(examples, permutation(examples.count, random(0, 'smoke')).slice(0, count).sort());
  return {
    ...set,
    train: some(set.train, SMOKE.train),
    test: some(set.test, SMOKE.test),
    digest: async () => `${await set.digest?.()}-smoke-${SMOKE.train}-${SMOKE.test}`,
  };
}
