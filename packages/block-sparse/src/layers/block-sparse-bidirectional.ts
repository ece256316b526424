/**
 * `Bidirectional` over a recurrent layer whose two directions are stored block-sparse, each by patterns of its own. tfjs
 * makes both of one configuration; here each is made anew with its patterns.
 */
import * as tf from '@tensorflow/tfjs';

type LayerClass = tf.serialization.SerializableConstructor<tf.layers.Layer>;
type Directions = Record<'forwardLayer' | 'backwardLayer', tf.layers.Layer>;

/** What a direction's layer has in its configuration beside the plain layer's own. */
interface DirectionConfig extends tf.serialization.ConfigDict {
  blockSparse: tf.serialization.ConfigDict;
  checksum: string;
}

interface BidirectionalConfig extends tf.serialization.ConfigDict {
  /** A direction that is left out is stored whole. */
  blockSparse: tf.serialization.ConfigDict & { forward?: DirectionConfig; backward?: DirectionConfig };
}

/**
 * @param Plain tfjs' own class
 * @param nameOf the class of block-sparse layers for each of plain ones
 */
export function blockSparseBidirectional(
  Plain: LayerClass,
  className: string,
  nameOf: (plain: string) => string,
): LayerClass {
  return class extends Plain {
    static override readonly className = className;

    constructor({ blockSparse, ...config }: BidirectionalConfig) {
      super(config);
      const own = this as unknown as Directions;
      const { forward, backward } = blockSparse ?? {};
      if (forward) own.forwardLayer = remade(own.forwardLayer, forward, nameOf);
      if (backward) own.backwardLayer = remade(own.backwardLayer, backward, nameOf);
    }

    override getConfig(): tf.serialization.ConfigDict {
      const { forwardLayer, backwardLayer } = this as unknown as Directions;
      const directions = { forward: patternsOf(forwardLayer), backward: patternsOf(backwardLayer) };
      const blockSparse = Object.fromEntries(Object.entries(directions).filter(([, stored]) => stored));
      return { ...super.getConfig(), blockSparse: blockSparse as tf.serialization.ConfigDict };
    }
  };
}

function remade(
  plain: tf.layers.Layer,
  { blockSparse, checksum }: DirectionConfig,
  nameOf: (plain: string) => string,
): tf.layers.Layer {
  const className = nameOf(plain.getClassName());
  const [Own, fromConfig] = tf.serialization.SerializationMap.getMap().classNameMap[className] ?? [];
  if (!Own)
    throw new RangeError(
      `The layer ${plain.name} is a ${plain.getClassName()}, which has no block-sparse form`,
    );
  return fromConfig!(Own as never, { ...plain.getConfig(), blockSparse, checksum }) as tf.layers.Layer;
}

function patternsOf(layer: tf.layers.Layer): DirectionConfig | null {
  const { blockSparse, checksum } = layer.getConfig() as DirectionConfig;
  return blockSparse ? { blockSparse, checksum } : null;
}
