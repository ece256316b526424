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
  placesOnGrid,
  scaleBlockValues,
  scatterBlocks,
} from '@espalier/blocks';
import { matrixShape } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import type { LayerChecksum } from './layer-checksum.js';

/** Under the names of the layer's own fields: `kernel`, `recurrentKernel`, `embeddings`, … */
export type StoredKernelsConfig = Readonly<Record<string, StoredKernelConfig>>;

interface StoredKernelConfig extends PatternText {
  /** Whether the file holds a scale for each kept block, by which its values are to be multiplied. */
  rangePerBlock?: boolean;
}

export interface StoredKernel {
  readonly pattern: BlockPattern;
  /** In the layer's own shape. */
  readonly shape: readonly number[];
  /** The kept weights, `[size]`. */
  readonly values: tf.LayerVariable;
  /** What the values of a file are multiplied by when they are loaded, `[blocks]`; ones from then on. */
  readonly scales: tf.LayerVariable | null;
}

type AddWeight = (name: string, shape: number[], ...rest: unknown[]) => tf.LayerVariable;

/** A layer, or the cell of a recurrent one. */
interface Holder {
  addWeight: AddWeight;
}

const scaleWeights = new WeakSet<tf.LayerVariable>();

/** The weights of a layer or cell, but for scales: their numbers are in the values. */
export function weightsBesideScales({ weights }: tf.layers.Layer): tf.LayerVariable[] {
  return weights.filter((weight) => !scaleWeights.has(weight));
}

const stored = new WeakMap<tf.layers.Layer, StoredKernels>();

/** What a layer, or a cell, stores block-sparse; null for a plain one. */
export function storedKernels(layer: tf.layers.Layer): StoredKernels | null {
  return stored.get(layer) ?? null;
}

export class StoredKernels {
  readonly #layerName: string;
  #checksum: LayerChecksum | null = null;
  readonly #patterns: ReadonlyMap<string, BlockPattern>;
  /** The fields whose values have a scale for each block. */
  readonly #scaled: ReadonlySet<string>;
  readonly #kernels = new Map<string, StoredKernel>();
  /** The whole kernels that predictions compute with, each with the data of the values that it was made of. */
  readonly #whole = new Map<string, { readonly of: object; readonly whole: tf.Tensor }>();
  /** The whole kernels, during a call. */
  #expanded: ReadonlyMap<string, tf.Tensor> | null = null;

  /** @throws RangeError for a configuration that is no pattern */
  constructor(layer: tf.layers.Layer, config: StoredKernelsConfig | undefined) {
    this.#layerName = layer.name;
    const patterns = Object.entries(config ?? {}).map(
      ([field, text]) => [field, patternOfText(text, `${layer.name}/${field}`)] as const,
    );
    this.#patterns = new Map(patterns);
    this.#scaled = new Set(
      [...this.#patterns.keys()].filter((field) => config![field]!.rangePerBlock === true),
    );
    const { cell } = layer as { cell?: unknown };
    this.#intercept(layer as unknown as Holder);
    if (cell) this.#intercept(cell as Holder);
    stored.set(layer, this);
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
    const ofField = (field: string, pattern: BlockPattern) => ({
      ...patternText(pattern),
      ...(this.#scaled.has(field) && { rangePerBlock: true }),
    });
    return Object.fromEntries(
      [...this.#patterns].map(([field, pattern]) => [field, ofField(field, pattern)]),
    );
  }

  /**
   * Runs with every kernel expanded: for a prediction once, and kept while its values stay the same; anew where gradients
   * are taken. Within a tidy. Called within itself, as by a cell at each step, it runs with what is there.
   */
  whileExpanded<T>(run: () => T): T {
    if (this.#expanded) return run();
    const isTraining = tf.engine().state.gradientDepth > 0;
    if (isTraining) this.#forgetExpanded();
    this.#expanded = new Map(
      [...this.#kernels].map(([field, kernel]) => [
        field,
        isTraining ? expanded(kernel) : this.#keptExpanded(field, kernel),
      ]),
    );
    try {
      return run();
    } finally {
      this.#expanded = null;
    }
  }

  /** Frees the whole kernels that are kept for predictions. */
  #forgetExpanded(): void {
    for (const { whole } of this.#whole.values()) whole.dispose();
    this.#whole.clear();
  }

  #keptExpanded(field: string, kernel: StoredKernel): tf.Tensor {
    const { dataId } = kernel.values.read();
    const before = this.#whole.get(field);
    if (before?.of === dataId && !before.whole.isDisposed) return before.whole;
    before?.whole.dispose();
    const whole = tf.keep(expanded(kernel));
    this.#whole.set(field, { of: dataId, whole });
    return whole;
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
      const scales = this.#scaled.has(field)
        ? addWeight(`${name}_scales`, [pattern.blocks], dtype, tf.initializers.ones(), undefined, false)
        : null;
      if (scales) this.#decode(values, scales, pattern, name);
      // Whatever holds the layer disposes of its weights, and may not call it.
      const dispose = values.dispose.bind(values);
      values.dispose = () => {
        this.#forgetExpanded();
        dispose();
      };
      const kernel = { pattern, shape, values, scales };
      this.#kernels.set(field, kernel);
      const read = () => this.#expanded?.get(field) ?? expanded(kernel);
      return Object.create(values, { read: { value: read } }) as tf.LayerVariable;
    };
  }

  /** Once both are given, as a file does, the values are multiplied by their blocks' scales, and these are ones. */
  #decode(values: tf.LayerVariable, scales: tf.LayerVariable, pattern: BlockPattern, name: string): void {
    this.#watched(scales, `${name}_scales`);
    refuseOtherSizes(scales, `${this.#layerName}/${name}_scales`);
    scaleWeights.add(scales);
    const missing = new Set([values, scales]);
    for (const weight of [values, scales]) {
      const write = weight.write.bind(weight);
      weight.write = (tensor) => {
        write(tensor);
        missing.delete(weight);
        if (missing.size > 0) return weight;
        missing.add(values).add(scales);
        tf.tidy(() => {
          const factors = onGrid(scales.read() as tf.Tensor1D, pattern);
          variableOf(values).assign(scaleBlockValues(values.read() as tf.Tensor1D, factors, pattern));
          variableOf(scales).assign(tf.onesLike(scales.read()));
        });
        return weight;
      };
    }
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
function refuseOtherSizes(weight: tf.LayerVariable, name: string): void {
  const write = weight.write.bind(weight);
  weight.write = (tensor) => {
    if (tensor.shape.join() === weight.shape.join()) return write(tensor);
    throw new RangeError(
      `The pattern of ${name} keeps ${weight.shape.join(', ')} values, it is given [${tensor.shape.join(', ')}]`,
    );
  };
}

/** Numbers of the kept blocks `[blocks]` in their places of the grid `[R, C]`, zero elsewhere. */
function onGrid(numbers: tf.Tensor1D, pattern: BlockPattern): tf.Tensor2D {
  const places = tf.tensor2d(placesOnGrid(pattern), [...pattern.grid.gridShape], 'int32');
  return tf.concat([tf.zeros([1]), numbers]).gather<tf.Tensor>(places) as tf.Tensor2D;
}

/** The variable that a weight of a layer trains. */
export function variableOf(weight: tf.LayerVariable): tf.Variable {
  return (weight as unknown as { val: tf.Variable }).val;
}

/** `recurrent_kernel` is kept in the field `recurrentKernel`. */
export function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
