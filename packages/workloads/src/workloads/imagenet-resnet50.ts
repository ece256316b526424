/** ResNet-50 on ImageNet, as SequentialAttention++ has it (arXiv 2402.17902 §4). */
import { assertArgument, assertOptions, aText, numberIn, wholeNumber } from '@espalier/core';
import { loadImageNet, type ClassImagesOptions } from '@espalier/datasets/imagenet';
import { resnet, resnet50 } from '@espalier/models';
import { sgd } from '@espalier/optimizers';

import { withWarmUp } from '../schedules.js';
import { smoothedClassification } from '../tasks/label-smoothing.js';
import { cosineDecay, type LoadOptions, type Scale, type Workload } from '../workload.js';

/** What the paper does not state, with what stands in its place: what is usual for ResNet-50. */
export interface ImageNetSettings {
  /** 0.9 when absent. */
  readonly momentum?: number;
  /** Of every weight; 1e-4 when absent. */
  readonly weightDecay?: number;
  /** How many of the 90 epochs the rate rises for, in a line from 0; 5 when absent. */
  readonly warmUpEpochs?: number;
  /** 0.1 when absent. */
  readonly labelSmoothing?: number;
  /** Where the last scale of each block starts; 0 when absent, for large batches (Goyal et al., arXiv 1706.02677). */
  readonly lastScale?: 0 | 1;
  /** How many images are on the device at a time; 64 when absent. Batch normalisation's moments are of so many. */
  readonly microBatchSize?: number;
}

const EPOCHS = 90;
const BATCH = 2048;
const HIGHEST_RATE = 0.8;

/**
 * ResNet-50 v1.5 on ImageNet, or on any images in folders of classes: the model has the data's classes.
 *
 * `paper`: 224 × 224, 90 epochs, batches of 2048, a cosine from 0.8, which are the paper's. `small` and `smoke` are the
 * same network on small images for a few steps, at a rate in proportion to the batch: they show that it runs, what a
 * step and a strategy cost, not which strategy is better.
 *
 * @throws RangeError or TypeError for a setting that is not what it is to be, or that there is not
 */
export function imagenetResnet50(name: string, settings: ImageNetSettings = {}): Workload {
  const of = 'imagenetResnet50()';
  assertArgument(of, 'name', name, aText("a name, such as 'my-images'"));
  assertOptions(of, settings, {
    momentum: numberIn('[0, 1)'),
    weightDecay: numberIn('[0, ∞)'),
    warmUpEpochs: numberIn(`[0, ${EPOCHS})`),
    labelSmoothing: numberIn('[0, 1)'),
    lastScale: wholeNumber(0, 1),
    microBatchSize: wholeNumber(),
  });
  const { momentum = 0.9, weightDecay = 1e-4, warmUpEpochs = 5, labelSmoothing = 0.1 } = settings;
  const { lastScale = 0, microBatchSize = 64 } = settings;
  const ofBatch = (batchSize: number) => {
    const cosine = cosineDecay((HIGHEST_RATE * batchSize) / BATCH);
    const learningRate = withWarmUp({ share: warmUpEpochs / EPOCHS, from: 0 }, cosine);
    return {
      learningRate,
      optimizer: () => sgd({ learningRate: learningRate(0), momentum, weightDecay }),
    };
  };
  const ofImages = (images: ClassImagesOptions & { readonly size: number }) => ({
    load: ({ dataFolder, onProgress }: LoadOptions) =>
      loadImageNet(dataFolder, { ...images, ...(onProgress && { onProgress }) }),
    model: (seed: number, { classes }: { readonly classes?: readonly string[] }) =>
      resnet({
        ...resnet50,
        inputShape: [images.size, images.size, 3],
        classes: (classes as readonly string[]).length,
        ...{ lastScale, seed },
      }),
  });
  const smoke: Scale = {
    ...ofImages({ size: 32, classes: 4, imagesPerClass: 10 }),
    ...ofBatch(4),
    // Forty steps: strategies whose phases take turns need thirty-one.
    defaults: { seeds: [0], epochs: 4, batchSize: 4 },
  };
  const paper: Scale = {
    ...ofImages({ size: 224 }),
    ...ofBatch(BATCH),
    defaults: {
      sparsities: [0.7, 0.8, 0.9, 0.95],
      blockShapes: [8, 16, 32, 64].map((side) => [side, side] as const),
      seeds: [0],
      epochs: EPOCHS,
      batchSize: BATCH,
      microBatchSize,
    },
  };
  return {
    name,
    description: 'ImageNet, ResNet-50; any images in folders of classes',
    task: smoothedClassification(labelSmoothing),
    defaults: { sparsities: [0.9], blockShapes: [[16, 16]], seeds: [0], epochs: 1, batchSize: 16 },
    ...ofImages({ size: 64, classes: 10, imagesPerClass: 100 }),
    ...ofBatch(16),
    scales: { smoke, paper },
  };
}

export default imagenetResnet50('imagenet-resnet50');
