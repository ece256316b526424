/** The topology of a model as `model.toJSON` gives it, in the naming of Keras. */
import type * as tf from '@tensorflow/tfjs';

export interface LayerJson {
  class_name: string;
  config: {
    name?: string;
    /** Of a model. */
    layers?: LayerJson[];
    /** Of a wrapper. */
    layer?: LayerJson;
    [field: string]: unknown;
  };
}

/** The topology of a model, all of whose weights are read first: block-sparse layers put checksums of theirs into it. */
export async function topologyOf(model: tf.LayersModel): Promise<LayerJson> {
  // On webgpu nothing is read from the device but asynchronously; what was read once is kept beside it.
  await Promise.all(model.weights.map((weight) => weight.read().data()));
  return model.toJSON(null, false) as unknown as LayerJson;
}

/**
 * The layers inside a model by their path there, the names from the outside in, as core names kernels. The layers
 * of models inside it and those under TimeDistributed are among them; those under Bidirectional are not, as both
 * directions are made of one configuration.
 */
export function* layerJsons(container: LayerJson, path = ''): Generator<[path: string, layer: LayerJson]> {
  const { layers, layer } = container.config;
  const nested = container.class_name === 'TimeDistributed' && layer ? [layer] : (layers ?? []);
  for (const inner of nested) {
    const innerPath = [path, inner.config.name].filter(Boolean).join('/');
    yield [innerPath, inner];
    yield* layerJsons(inner, innerPath);
  }
}
