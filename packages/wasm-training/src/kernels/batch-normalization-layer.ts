// tf.layers.batchNormalization in training on the wasm backend, by the kernels of batch-norm-training.ts. What tfjs composes it
// of are ops that know nothing of each other: its layer is the one place where they can be one. Other backends, other axes
// than the last one, and inference are the stock layer's.

import * as tf from '@tensorflow/tfjs';

import { movedAverages, normaliseInTraining } from './batch-norm-training.js';

interface Weight {
  read(): tf.Tensor;
  write(value: tf.Tensor): void;
}

/** What the class has, of which its declaration tells a part. */
interface Layer {
  readonly axis: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gamma?: Weight | null;
  readonly beta?: Weight | null;
  readonly movingMean: Weight;
  readonly movingVariance: Weight;
}

type Call = (
  this: Layer,
  inputs: tf.Tensor | tf.Tensor[],
  kwargs: Readonly<Record<string, unknown>>,
) => tf.Tensor | tf.Tensor[];

const inOneKernel = (stock: Call): Call =>
  function (inputs, kwargs) {
    const { gamma, beta, epsilon, momentum, movingMean, movingVariance } = this;
    const x = kwargs['training'] && tf.getBackend() === 'wasm' ? servedInput(this, inputs) : null;
    if (!x || !gamma || !beta) return stock.call(this, inputs, kwargs);
    return tf.tidy(() => {
      const [y, ...statistics] = normaliseInTraining(x, gamma.read(), beta.read(), epsilon);
      // Of no rows there are no statistics.
      if (x.size === 0) return y;
      const moving = [movingMean.read(), movingVariance.read()] as const;
      const [mean, variance] = movedAverages(moving, statistics, momentum);
      movingMean.write(mean);
      movingVariance.write(variance);
      return y;
    });
  };

/** The one input, or null where it is not normalised over all axes but the last. */
function servedInput({ axis }: Layer, inputs: tf.Tensor | tf.Tensor[]): tf.Tensor | null {
  const [x, ...others] = [inputs].flat();
  if (!x || others.length > 0 || x.rank < 2 || x.dtype !== 'float32') return null;
  return axis === -1 || axis === x.rank - 1 ? x : null;
}

/** For all layers, those that are there already too. */
export function replaceBatchNormalizationCall(): void {
  // By its name: to make a layer would use up a name of the user's layers.
  const [layer] = tf.serialization.SerializationMap.getMap().classNameMap['BatchNormalization']!;
  const prototype = (layer as unknown as { prototype: { call: Call } }).prototype;
  prototype.call = inOneKernel(prototype.call);
}
