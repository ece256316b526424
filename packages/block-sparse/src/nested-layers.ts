/** The layers inside a model, those of models inside it and those under TimeDistributed and Bidirectional among them, and cells. */
import * as tf from '@tensorflow/tfjs';

/** The layers right inside a layer; null where it is no container. */
export function layersOf(layer: tf.layers.Layer): readonly tf.layers.Layer[] | null {
  if (layer instanceof tf.LayersModel) return layer.layers;
  const { layer: wrapped, forwardLayer, backwardLayer } = layer as unknown as Record<string, tf.layers.Layer>;
  switch (layer.getClassName()) {
    case 'TimeDistributed':
      return [wrapped!];
    case 'Bidirectional':
    case 'BlockSparseBidirectional':
      return [forwardLayer!, backwardLayer!];
    case 'RNN':
    case 'BlockSparseRNN':
      return cellsOf(layer);
    default:
      return null;
  }
}

/** The cells of an `RNN`: one, or those that are stacked. */
export function cellsOf(layer: tf.layers.Layer): readonly tf.layers.Layer[] {
  const { cell } = layer as unknown as { cell: tf.layers.Layer & { cells?: tf.layers.Layer[] } };
  return cell.cells ?? [cell];
}

/**
 * The layers inside a container by their path there, the names from the outside in, as `layerJsons` has them. A layer
 * that two models inside it share has a path in each; a cell alone has that of its layer, and comes after it.
 */
export function* layerPaths(
  container: tf.layers.Layer,
  path = '',
): Generator<[path: string, layer: tf.layers.Layer]> {
  for (const layer of layersOf(container) ?? []) {
    const isCellAlone = 'cell' in container && !('cells' in (container.cell as object));
    const layerPath = isCellAlone ? path : [path, layer.name].filter(Boolean).join('/');
    yield [layerPath, layer];
    yield* layerPaths(layer, layerPath);
  }
}
