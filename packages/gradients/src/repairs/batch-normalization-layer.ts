/**
 * `tf.layers.batchNormalization` with `scale: false` or `center: false`, as published Keras models have it: in training tfjs
 * reads the weight that is not there. It is 1, or 0.
 */
import * as tf from '@tensorflow/tfjs';

type Layer = tf.layers.Layer & { readonly gamma?: Weight | null; readonly beta?: Weight | null };
type Call = (this: Layer, inputs: tf.Tensor | tf.Tensor[], kwargs: unknown) => tf.Tensor | tf.Tensor[];

interface Weight {
  read(): tf.Tensor;
}

const withConstants = (call: Call): Call =>
  function (this: Layer, inputs, kwargs) {
    if (this.gamma && this.beta) return call.call(this, inputs, kwargs);
    const { axis } = this.getConfig() as { axis: number };
    const [x] = [inputs].flat() as [tf.Tensor];
    const channels = x.shape.at(axis)!;
    const constant = (make: (shape: number[]) => tf.Tensor) => ({ value: { read: () => make([channels]) } });
    const whole = Object.create(this, {
      ...(!this.gamma && { gamma: constant(tf.ones) }),
      ...(!this.beta && { beta: constant(tf.zeros) }),
    }) as Layer;
    return call.call(whole, inputs, kwargs);
  };

/** The prototypes that are mended. */
const mended = new WeakSet<object>();

/** Once for all layers, those that are there already too. */
export function repairBatchNormalization(): void {
  // By its name: to make a layer would use up a name of the user's layers.
  const [layer] = tf.serialization.SerializationMap.getMap().classNameMap['BatchNormalization']!;
  const prototype = (layer as unknown as { prototype: { call: Call } }).prototype;
  if (mended.has(prototype)) return;
  prototype.call = withConstants(prototype.call);
  mended.add(prototype);
}
