/**
 * Layers with block-sparse kernels: of each kind of tfjs layer a class derived from it, so that everything but the
 * kernels' storage and product is the plain layer's own.
 */
import * as tf from '@tensorflow/tfjs';

import { productOf } from '../layer-product.js';
import { StoredKernels, type StoredKernelsConfig } from './stored-kernels.js';

type LayerClass = tf.serialization.SerializableConstructor<tf.layers.Layer>;

/** The plain layer's configuration, and under `blockSparse` the patterns of its kernels. */
interface BlockSparseConfig extends tf.serialization.ConfigDict {
  blockSparse: StoredKernelsConfig & tf.serialization.ConfigDict;
}

type Call = tf.layers.Layer['call'];

const PREFIX = 'BlockSparse';

/** The plain layers that have a block-sparse counterpart. */
const PLAIN = [
  ...['Dense', 'Conv1D', 'Conv2D', 'Conv2DTranspose', 'Conv3D', 'Conv3DTranspose'],
  ...['DepthwiseConv2D', 'SeparableConv2D', 'Embedding', 'SimpleRNN', 'LSTM', 'GRU'],
];

export function hasBlockSparseClass(className: string): boolean {
  return PLAIN.includes(className);
}

/** `Dense` → `BlockSparseDense`. */
export function blockSparseClassName(className: string): string {
  return `${PREFIX}${className}`;
}

/** `BlockSparseDense` → `Dense`; null for any other name. */
export function plainClassName(className: string): string | null {
  const plain = className.slice(PREFIX.length);
  return className.startsWith(PREFIX) && hasBlockSparseClass(plain) ? plain : null;
}

const stored = new WeakMap<tf.layers.Layer, StoredKernels>();

/** What a layer stores block-sparse; null for a plain layer. */
export function storedKernels(layer: tf.layers.Layer): StoredKernels | null {
  return stored.get(layer) ?? null;
}

function blockSparseClass(Plain: LayerClass): LayerClass {
  return class extends Plain {
    static override readonly className = blockSparseClassName(Plain.className);
    readonly #kernels: StoredKernels;

    constructor({ blockSparse, ...plain }: BlockSparseConfig) {
      super(plain);
      this.#kernels = new StoredKernels(this, blockSparse);
      stored.set(this, this.#kernels);
    }

    override call(...[inputs, kwargs]: Parameters<Call>): ReturnType<Call> {
      return tf.tidy(() => {
        const kernel = this.#kernels.kernels.get('kernel');
        const product = kernel && productOf(this, kernel.shape, Plain.className);
        if (!product) return this.#kernels.whileExpanded(() => super.call(inputs, kwargs));
        this.invokeCallHook(inputs, kwargs);
        const [x] = [inputs].flat();
        return product.apply(x!, kernel.values.read() as tf.Tensor1D, kernel.pattern);
      });
    }

    override getConfig(): tf.serialization.ConfigDict {
      return {
        ...super.getConfig(),
        blockSparse: this.#kernels.config() as unknown as tf.serialization.ConfigDict,
      };
    }
  };
}

/** Makes the layers known to `tf.loadLayersModel`. */
export function registerLayers(): void {
  const known = tf.serialization.SerializationMap.getMap().classNameMap;
  for (const className of PLAIN) {
    const [Plain] = known[className] ?? [];
    if (Plain) tf.serialization.registerClass(blockSparseClass(Plain as unknown as LayerClass));
  }
}
