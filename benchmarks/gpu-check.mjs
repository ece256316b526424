// Every strategy's first steps on the GPU against the cpu backend: the losses to 1e-4, the masks block for block.

import { placePhases, sparsify } from '@espalier/core';
import { resnet } from '@espalier/models';
import { sgd } from '@espalier/optimizers';
import * as tf from '@tensorflow/tfjs';

const STEPS = 20;
/** The shortest training that a strategy's phases fit into, so that many begin within the steps that are looked at. */
const TOTAL_STEPS = [24, 48, 96];
const TOLERANCE = 1e-4;
const BATCH = 8;
const CLASSES = 10;

const network = () =>
  resnet({
    inputShape: [8, 8, 3],
    classes: CLASSES,
    stem: 'small',
    stages: [
      { filters: 8, blocks: 1 },
      { filters: 16, blocks: 1 },
    ],
    shortcuts: 'padded',
    seed: 1,
  });

/**
 * @param pruner null for dense training
 * @returns how far apart the losses are at most, relatively, and after which step the masks differ (null: never)
 */
export async function checkAgainstCpu(pruner, backend) {
  const expected = await firstSteps(pruner, 'cpu');
  const actual = await firstSteps(pruner, backend);
  await tf.setBackend(backend);
  const differences = actual.losses.map((loss, i) => Math.abs(loss / expected.losses[i] - 1));
  const lossDifference = Math.max(...differences);
  const differing = actual.masks.findIndex((mask, i) => mask !== expected.masks[i]);
  return {
    strategy: pruner?.name ?? 'dense',
    lossDifference,
    masksDifferAfterStep: differing < 0 ? null : differing,
    masksSeen: new Set(expected.masks).size,
    passed: lossDifference <= TOLERANCE && differing < 0,
  };
}

async function firstSteps(pruner, backend) {
  await tf.setBackend(backend);
  const model = network();
  const optimizer = sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 5e-4 });
  const target = { sparsity: 0.75, blockShape: [4, 4], minimumBlocks: 8, optimizer };
  const pruning = pruner && (await sparsify(model, pruner, { ...target, totalSteps: shortest(pruner) }));
  const variables = model.trainableWeights.map((weight) => weight.read());
  const images = tf.randomNormal([BATCH, 8, 8, 3], 0, 1, 'float32', 5);
  const labels = tf.tidy(() => tf.oneHot(tf.range(0, BATCH, 1, 'int32'), CLASSES));
  const losses = [];
  const masks = [];
  for (let step = 0; step < STEPS; step++) {
    const loss = optimizer.minimize(
      () => tf.losses.softmaxCrossEntropy(labels, model.apply(images, { training: true })),
      true,
      variables,
    );
    losses.push((await loss.data())[0]);
    loss.dispose();
    await pruning?.step();
    masks.push(pruning ? pruning.kernels.map(({ mask }) => mask.join('')).join(' ') : '');
  }
  pruning?.abandon();
  tf.dispose([images, labels]);
  model.dispose();
  optimizer.dispose();
  return { losses, masks };
}

function shortest({ search }) {
  const fits = (totalSteps) => {
    try {
      placePhases(search.phases, totalSteps);
      return true;
    } catch {
      return false;
    }
  };
  return TOTAL_STEPS.find(fits) ?? TOTAL_STEPS.at(-1);
}
