/** The layers inside a model, those of models inside it and those under TimeDistributed among them. */
import * as tf from '@tensorflow/tfjs';

/** The layers right inside a layer; null where it is no container. */
export function layersOf(layer: tf.layers.Layer): readonly tf.layers.Layer[] | null {
  if (layer instanceof tf.LayersModel) return layer.layers;
  if (layer.getClassName() === 'TimeDistributed')
    return [(layer as unknown as { layer: tf.layers.Layer }).layer];
  return null;
}

/**
 * The layers inside a container by their path there, the names from the outside in, as `layerJsons` has them. A layer
 * that two models inside it share has a path in each.
 */
export function* layerPaths(
  container: tf.layers.Layer,
  path = '',
): Generator<[path: string, layer: tf.layers.Layer]> {
  for (const layer of layersOf(container) ?? []) {
    const layerPath = [path, layer.name].filter(Boolean).join('/');
    yield [layerPath, layer];
    yield* layerPaths(layer, layerPath);
  }
}
