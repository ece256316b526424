/**
 * The kernels that a layer stores block-sparse.
 *
 * A tfjs layer makes its kernels by `this.addWeight(name, shape, …)` when it is built. In its place, the kernels of
 * a pattern become one weight each, of the kept values alone; the layer is given a stand-in whose `read()` is the
 * whole kernel. Nothing dense is ever allocated to be stored.
 */
import {
  assertCanBeMade,
  type BlockPattern,
  patternOfText,
  type PatternText,
  patternText,
  scatterBlocks,
} from '@espalier/blocks';
import { matrixShape } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import type { LayerChecksum } from './layer-checksum.js';

/** Under the names of the layer's own fields: `kernel`, `recurrentKernel`, `embeddings`, … */
export type StoredKernelsConfig = Readonly<Record<string, PatternText>>;

export interface StoredKernel {
  readonly pattern: BlockPattern;
  /** In the layer's own shape. */
  readonly shape: readonly number[];
  /** The kept weights, `[size]`. */
  readonly values: tf.LayerVariable;
}

type AddWeight = (name: string, shape: number[], ...rest: unknown[]) => tf.LayerVariable;

/** A layer, or the cell of a recurrent one. */
interface Holder {
  addWeight: AddWeight;
}

export class StoredKernels {
  readonly #layerName: string;
  #checksum: LayerChecksum | null = null;
  readonly #patterns: ReadonlyMap<string, BlockPattern>;
  readonly #kernels = new Map<string, StoredKernel>();
  /** The whole kernels, during a call. */
  #expanded: ReadonlyMap<string, tf.Tensor> | null = null;

  /** @throws RangeError for a configuration that is no pattern */
  constructor(layer: tf.layers.Layer, config: StoredKernelsConfig | undefined) {
    this.#layerName = layer.name;
    const patterns = Object.entries(config ?? {}).map(
      ([field, text]) => [field, patternOfText(text, `${layer.name}/${field}`)] as const,
    );
    this.#patterns = new Map(patterns);
    const { cell } = layer as { cell?: unknown };
    this.#intercept(layer as unknown as Holder);
    if (cell) this.#intercept(cell as Holder);
  }

  /** By field; empty until the layer is built. */
  get kernels(): ReadonlyMap<string, StoredKernel> {
    return this.#kernels;
  }

  /** From here on, whatever weight the layer makes is checked by what the file says of it. */
  checkBy(checksum: LayerChecksum): void {
    this.#checksum = checksum;
  }

  config(): StoredKernelsConfig {
    return Object.fromEntries([...this.#patterns].map(([field, pattern]) => [field, patternText(pattern)]));
  }

  /** Runs with every kernel expanded once, however often the layer reads it. Within a tidy. */
  whileExpanded<T>(run: () => T): T {
    this.#expanded = new Map([...this.#kernels].map(([field, kernel]) => [field, expanded(kernel)]));
    try {
      return run();
    } finally {
      this.#expanded = null;
    }
  }

  #intercept(holder: Holder): void {
    const addWeight = holder.addWeight.bind(holder);
    holder.addWeight = (name, shape, dtype, initializer, regularizer, trainable, ...rest) => {
      const field = camelCase(name);
      const pattern = this.#patterns.get(field);
      if (pattern) this.#assertMatrix(field, shape, pattern);
      const own = pattern ? [pattern.size] : shape;
      assertCanBeMade(own, `${this.#layerName}/${name}`);
      if (!pattern) {
        return this.#watched(addWeight(name, own, dtype, initializer, regularizer, trainable, ...rest), name);
      }
      // A regularizer sums over weights, and those left out are zero. A constraint may need the whole kernel.
      const zeros = tf.initializers.zeros();
      const values = addWeight(`${name}_values`, own, dtype, zeros, regularizer, trainable);
      this.#watched(values, name);
      refuseOtherSizes(values, `${this.#layerName}/${name}_values`);
      const kernel = { pattern, shape, values };
      this.#kernels.set(field, kernel);
      const read = () => this.#expanded?.get(field) ?? expanded(kernel);
      return Object.create(values, { read: { value: read } }) as tf.LayerVariable;
    };
  }

  #watched(weight: tf.LayerVariable, name: string): tf.LayerVariable {
    this.#checksum?.watch(weight, name);
    return weight;
  }

  #assertMatrix(field: string, shape: readonly number[], pattern: BlockPattern): void {
    const [n, m] = matrixShape(shape, field === 'depthwiseKernel' ? 'depthwise' : 'other');
    if (n === pattern.matrixShape[0] && m === pattern.matrixShape[1]) return;
    throw new RangeError(
      `The block pattern of ${this.#layerName}/${field} is of a ${pattern.matrixShape.join('×')} matrix, ` +
        `the layer's kernel [${shape.join(', ')}] is one of ${n}×${m}`,
    );
  }
}

function expanded({ values, pattern, shape }: StoredKernel): tf.Tensor {
  return tf.tidy(() => scatterBlocks(values.read() as tf.Tensor1D, pattern).reshape([...shape]));
}

/** Makes the error for values of another length tell whose they are. */
function refuseOtherSizes(values: tf.LayerVariable, name: string): void {
  const write = values.write.bind(values);
  values.write = (tensor) => {
    if (tensor.shape.join() === values.shape.join()) return write(tensor);
    throw new RangeError(
      `The pattern of ${name} keeps ${values.shape.join(', ')} values, it is given [${tensor.shape.join(', ')}]`,
    );
  };
}

/** `recurrent_kernel` is kept in the field `recurrentKernel`. */
function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
