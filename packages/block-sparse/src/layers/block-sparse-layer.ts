/**
 * Layers with block-sparse kernels: of each kind of tfjs layer a class derived from it, so that everything but the
 * kernels' storage and product is the plain layer's own.
 */
import { type BlockPattern, lookUpRows } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { productOf } from '../layer-product.js';
import { blockSparseBidirectional } from './block-sparse-bidirectional.js';
import { blockSparseRnn } from './block-sparse-rnn.js';
import { LayerChecksum } from './layer-checksum.js';
import { StoredKernels, type StoredKernelsConfig } from './stored-kernels.js';

type LayerClass = tf.serialization.SerializableConstructor<tf.layers.Layer>;

/** The plain layer's configuration, under `blockSparse` the patterns of its kernels, and a checksum of all of it. */
interface BlockSparseConfig extends tf.serialization.ConfigDict {
  blockSparse: StoredKernelsConfig & tf.serialization.ConfigDict;
  checksum: string;
}

type Call = tf.layers.Layer['call'];

const PREFIX = 'BlockSparse';

/** The plain layers that have a block-sparse counterpart. */
const PLAIN = [
  ...['Dense', 'Conv1D', 'Conv2D', 'Conv2DTranspose', 'Conv3D', 'Conv3DTranspose'],
  ...['DepthwiseConv2D', 'SeparableConv2D', 'Embedding', 'SimpleRNN', 'LSTM', 'GRU', 'ConvLSTM2D'],
  ...['SimpleRNNCell', 'LSTMCell', 'GRUCell'],
];

/** What holds some of them: two layers, or cells. */
const WRAPPERS: Readonly<Record<string, (Plain: LayerClass, className: string) => LayerClass>> = {
  Bidirectional: (Plain, className) => blockSparseBidirectional(Plain, className, blockSparseClassName),
  RNN: blockSparseRnn,
};

/** The plain layers' own classes, as they were when this was loaded: by their names others may be registered since. */
const plainClasses = new Set<unknown>();

/** Whether a layer is of a class that has a block-sparse counterpart; one derived from it is not. */
export function hasBlockSparseForm({ constructor }: tf.layers.Layer): boolean {
  return plainClasses.has(constructor);
}

/** `Dense` → `BlockSparseDense`. */
export function blockSparseClassName(className: string): string {
  return `${PREFIX}${className}`;
}

/** `BlockSparseDense` → `Dense`; null for any other name. */
export function plainClassName(className: string): string | null {
  const plain = className.slice(PREFIX.length);
  return className.startsWith(PREFIX) && [...PLAIN, ...Object.keys(WRAPPERS)].includes(plain) ? plain : null;
}

function blockSparseClass(Plain: LayerClass): LayerClass {
  return class extends Plain {
    static override readonly className = blockSparseClassName(Plain.className);
    readonly #kernels: StoredKernels;
    readonly #checksum: LayerChecksum;

    constructor({ checksum, ...config }: BlockSparseConfig) {
      const { blockSparse, ...plain } = config;
      super(plain);
      this.#kernels = new StoredKernels(this, blockSparse);
      this.#checksum = new LayerChecksum(this, config, checksum);
      this.#kernels.checkBy(this.#checksum);
    }

    /** For core, which does not know these layers. */
    whyNotPrunable(): string {
      return 'its kernel is stored block-sparse: decompress() the model first';
    }

    override call(...[inputs, kwargs]: Parameters<Call>): ReturnType<Call> {
      return tf.tidy(() => {
        const table = this.#kernels.kernels.get('embeddings');
        if (table) {
          this.invokeCallHook(inputs, kwargs);
          return embed([inputs].flat()[0]!, table.values.read() as tf.Tensor1D, table.pattern);
        }
        const kernel = this.#kernels.kernels.get('kernel');
        const product = kernel && productOf(this, kernel.shape, Plain.className);
        if (!product) return this.#kernels.whileExpanded(() => super.call(inputs, kwargs));
        this.invokeCallHook(inputs, kwargs);
        const [x] = [inputs].flat();
        return product.apply(x!, kernel.values.read() as tf.Tensor1D, kernel.pattern);
      });
    }

    override getConfig(): tf.serialization.ConfigDict {
      const blockSparse = this.#kernels.config() as unknown as tf.serialization.ConfigDict;
      const config = withoutNulls({ ...super.getConfig(), blockSparse });
      return { ...config, checksum: this.#checksum.of(config) };
    }
  };
}

/** What tfjs' `Embedding` computes: of numbers of rows `[…]`, the rows, `[…, m]`. */
function embed(inputs: tf.Tensor, values: tf.Tensor1D, pattern: BlockPattern): tf.Tensor {
  const rows = inputs.toInt().flatten();
  return lookUpRows(values, rows, pattern).reshape([...inputs.shape, pattern.matrixShape[1]]);
}

/** What is null in a configuration says no more than what is absent, in as many bytes as a checksum takes. */
function withoutNulls(config: tf.serialization.ConfigDict): tf.serialization.ConfigDict {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));
}

/** Makes the layers known to `tf.loadLayersModel`. */
export function registerLayers(): void {
  const known = tf.serialization.SerializationMap.getMap().classNameMap;
  for (const className of PLAIN) {
    const [Plain] = known[className] ?? [];
    if (!Plain) continue;
    plainClasses.add(Plain);
    tf.serialization.registerClass(blockSparseClass(Plain as unknown as LayerClass));
  }
  for (const [className, blockSparse] of Object.entries(WRAPPERS)) {
    const [Wrapper] = known[className] ?? [];
    if (!Wrapper) continue;
    const own = blockSparse(Wrapper as unknown as LayerClass, blockSparseClassName(className));
    tf.serialization.registerClass(own);
  }
}
