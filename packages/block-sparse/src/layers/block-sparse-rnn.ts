/** `RNN` over cells that are stored block-sparse: each is a class of its own, as layers are, and is expanded once a call. */
import * as tf from '@tensorflow/tfjs';

import { cellsOf } from '../nested-layers.js';
import { storedKernels } from './stored-kernels.js';

type LayerClass = tf.serialization.SerializableConstructor<tf.layers.Layer>;
type Call = tf.layers.Layer['call'];

/** @param Plain tfjs' own class */
export function blockSparseRnn(Plain: LayerClass, className: string): LayerClass {
  return class extends Plain {
    static override readonly className = className;

    static override fromConfig: LayerClass['fromConfig'] = (own, config, ...rest) => {
      if (typeof config['cell'] === 'object' && config['cell'] !== null)
        return Plain.fromConfig(own, config, ...rest);
      throw new RangeError(`The layer ${String(config['name'])} has no cell: its file is damaged`);
    };

    override call(...[inputs, kwargs]: Parameters<Call>): ReturnType<Call> {
      const run = cellsOf(this).reduce<() => ReturnType<Call>>(
        (inner, cell) => () => {
          const kernels = storedKernels(cell);
          return kernels ? kernels.whileExpanded(inner) : inner();
        },
        () => super.call(inputs, kwargs),
      );
      return tf.tidy(run);
    }

    /** tfjs leaves the cell out of all classes but its own, and mixes the fields of one with the layer's. */
    override getConfig(): tf.serialization.ConfigDict {
      const { cell } = this as unknown as { cell: tf.layers.Layer };
      const { blockSparse: _, checksum: __, ...config } = super.getConfig();
      return { ...config, cell: { className: cell.getClassName(), config: cell.getConfig() } };
    }
  };
}
