/** The layers of a model by their paths, those of models inside it and what wrappers hold among them. */
import * as tf from '@tensorflow/tfjs';

export interface Placed {
  /** The names from the outside in, as core has them. */
  readonly path: string;
  readonly layer: tf.layers.Layer;
  /** The path with what is wrapped left out: the module's name is that of the wrapper. */
  readonly modulePath: string;
  /** Of what is wrapped, how often ever: the outermost of its wrappers, which gets its inputs. */
  readonly outermost?: tf.layers.Layer;
  /** Of a direction of a `Bidirectional`: what PyTorch puts behind its parameters. */
  readonly direction?: '_l0' | '_l0_reverse';
}

export function* placedLayers(container: tf.LayersModel, outer = '', outerModule = ''): Generator<Placed> {
  const within = (path: string, name: string) => [path, name].filter(Boolean).join('/');
  for (const layer of container.layers) {
    yield* placedWithin({
      path: within(outer, layer.name),
      layer,
      modulePath: within(outerModule, layer.name),
    });
  }
}

/** The layer itself, and all that it holds. */
function* placedWithin(placed: Placed): Generator<Placed> {
  yield placed;
  const { layer, path, modulePath, outermost = layer } = placed;
  if (layer instanceof tf.LayersModel) yield* placedLayers(layer, path, modulePath);
  const inside = (inner: tf.layers.Layer) => ({
    ...{ path: `${path}/${inner.name}`, layer: inner },
    ...{ modulePath, outermost },
  });
  const { layer: wrapped, forwardLayer, backwardLayer } = layer as unknown as Record<string, tf.layers.Layer>;
  if (layer.getClassName() === 'TimeDistributed') yield* placedWithin(inside(wrapped!));
  if (layer.getClassName() !== 'Bidirectional') return;
  yield { ...inside(forwardLayer!), direction: '_l0' };
  yield { ...inside(backwardLayer!), direction: '_l0_reverse' };
}

export function isWrapper(layer: tf.layers.Layer): boolean {
  return ['TimeDistributed', 'Bidirectional'].includes(layer.getClassName());
}
