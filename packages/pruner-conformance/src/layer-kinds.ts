/** Checks: a strategy works on every kind of layer that core finds kernels in. */
import { assertArgument, oneOf, sparsify } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { ensure, type Check } from './conformance.js';
import { finalizeAndVerify } from './final-blocks.js';
import {
  calibrated,
  defaultTarget,
  momentum,
  onBackend,
  randomTensor,
  seedWeights,
  stepsFor,
} from './workbench.js';

interface Kind {
  /** The layer, named `subject`. */
  readonly layer: () => tf.layers.Layer;
  readonly inputShape: readonly number[];
  /** How many kernels of it are pruned. */
  readonly kernels: number;
}

const subject = { name: 'subject' };
const recurrent = { units: 5, ...subject };

/** The kinds by their names. What tfjs calls its layers' classes within stays out of the declarations. */
const byName = <Name extends string>(kinds: Readonly<Record<Name, Kind>>) => kinds;

const KINDS = byName({
  dense: { layer: () => tf.layers.dense({ units: 5, ...subject }), inputShape: [7], kernels: 1 },
  conv1d: {
    layer: () => tf.layers.conv1d({ filters: 5, kernelSize: 3, ...subject }),
    inputShape: [5, 3],
    kernels: 1,
  },
  conv2d: {
    layer: () => tf.layers.conv2d({ filters: 5, kernelSize: 2, ...subject }),
    inputShape: [3, 3, 3],
    kernels: 1,
  },
  conv2dTranspose: {
    layer: () => tf.layers.conv2dTranspose({ filters: 3, kernelSize: 2, ...subject }),
    inputShape: [2, 2, 5],
    kernels: 1,
  },
  depthwiseConv2d: {
    layer: () => tf.layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, ...subject }),
    inputShape: [4, 4, 3],
    kernels: 1,
  },
  separableConv2d: {
    layer: () => tf.layers.separableConv2d({ filters: 5, kernelSize: 2, ...subject }),
    inputShape: [3, 3, 5],
    kernels: 2,
  },
  embedding: {
    layer: () => tf.layers.embedding({ inputDim: 9, outputDim: 5, ...subject }),
    inputShape: [9],
    kernels: 1,
  },
  simpleRNN: { layer: () => tf.layers.simpleRNN(recurrent), inputShape: [2, 5], kernels: 2 },
  gru: { layer: () => tf.layers.gru(recurrent), inputShape: [2, 5], kernels: 2 },
  lstm: { layer: () => tf.layers.lstm(recurrent), inputShape: [2, 5], kernels: 2 },
  bidirectional: {
    layer: () =>
      tf.layers.bidirectional({
        layer: tf.layers.simpleRNN({ units: 5 }) as tf.RNN,
        mergeMode: 'concat',
        ...subject,
      }),
    inputShape: [2, 5],
    kernels: 4,
  },
});

export type LayerKind = keyof typeof KINDS;

/** The kinds of layers, in the order they are checked. */
export const layerKinds = Object.keys(KINDS) as LayerKind[];

/** A layer of one kind trains under the strategy and ends with exactly its blocks. */
export function checkLayerKind(kind: LayerKind): Check {
  assertArgument('checkLayerKind()', 'kind', kind, oneOf(...layerKinds));
  return onBackend(async (makePruner, options) => {
    const { layer, inputShape, kernels } = KINDS[kind];
    const pruner = makePruner();
    const totalSteps = stepsFor(pruner, options);
    const input = tf.input({ shape: [...inputShape] });
    const features = layer().apply(input) as tf.SymbolicTensor;
    const flat =
      features.shape.length > 2 ? (tf.layers.flatten().apply(features) as tf.SymbolicTensor) : features;
    const output = tf.layers.dense({ units: 2 }).apply(flat) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: output });
    seedWeights(model, 5);
    model.compile({ optimizer: momentum(), loss: 'meanSquaredError' });

    const x = kind === 'embedding' ? everyIndex(inputShape) : randomTensor([4, ...inputShape], 6);
    const pruning = await sparsify(model, pruner, {
      ...defaultTarget,
      blockShape: [2, 2],
      totalSteps,
      kernels: (name) => name.startsWith('subject/'),
      ...calibrated(pruner, x),
    });
    ensure(
      pruning.kernels.length === kernels,
      `${pruning.kernels.length} kernels of a ${kind} layer are pruned, not ${kernels}`,
    );
    const before = pruning.kernels.map(({ variable }) => variable.dataSync().slice());
    const y = randomTensor([4, 2], 7);
    for (let step = 0; step < totalSteps; step++) {
      const loss = await model.trainOnBatch(x, y);
      ensure(Number.isFinite(loss), () => `The loss of a ${kind} layer at step ${step} is ${String(loss)}`);
      await pruning.step();
    }
    pruning.kernels.forEach(({ name, variable }, i) => {
      const after = variable.dataSync();
      ensure(
        after.some((value, j) => value !== before[i]?.[j]),
        `${name} of a ${kind} layer does not train`,
      );
    });
    await finalizeAndVerify(pruning, defaultTarget.sparsity, `in a ${kind} layer`);
  });
}

/** Every kind of layer, one after the other. */
export const checkLayerKinds: Check = async (makePruner, options) => {
  for (const kind of layerKinds) await checkLayerKind(kind)(makePruner, options);
};

/** Rows of indices in which every entry of an embedding occurs, so that every row of it has a gradient. */
function everyIndex([length = 1]: readonly number[]): tf.Tensor2D {
  return tf.tensor2d(
    Array.from({ length: 4 * length }, (_, i) => (i * 2) % length),
    [4, length],
  );
}
