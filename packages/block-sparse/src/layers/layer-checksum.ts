/**
 * The checksum that a block-sparse layer carries in its configuration: what its configuration and its weights were when the
 * model was saved, so that a file that is damaged does not load as another model.
 *
 * It is text of eight hexadecimal digits for class and configuration (patterns and the rest of the checksum included), then eight
 * for each weight in the order in which the layer makes them: CRC-32, of 32 bits, as what it guards against is damage. That
 * tells every change within 32 bits, and of other damage leaves one in four thousand million unseen, for 8 bytes a weight.
 */
import { checksum, describeValue } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

/** In the place of a checksum where there is none: of a layer whose weights are not those of a file. */
export const NO_CHECKSUM = 'none';

const DIGITS = 8;
const WAY_OUT =
  'The file is damaged: load it anew. If it was changed on purpose, as by quantising it, load it by withoutChecksums()';

export class LayerChecksum {
  readonly #layer: tf.layers.Layer;
  readonly #weights: tf.LayerVariable[] = [];
  /** What the weights must be, in order; null where nothing is known of them. */
  readonly #expected: readonly string[] | null;

  /**
   * @param config the layer's, but for the checksum
   * @throws RangeError where the configuration is not the one that was saved, or there is no checksum
   */
  constructor(layer: tf.layers.Layer, config: tf.serialization.ConfigDict, given: unknown) {
    this.#layer = layer;
    this.#expected = given === NO_CHECKSUM ? null : this.#checked(config, given);
  }

  /**
   * Checks what the weight is given first, which is what the file holds. From then on it may be set to anything.
   *
   * @param name of the weight in the layer
   */
  watch(weight: tf.LayerVariable, name: string): void {
    const expected = this.#expected?.[this.#weights.length];
    if (this.#expected && expected === undefined) {
      this.#refuse(`has checksums of ${this.#expected.length} weights, and more weights`);
    }
    this.#weights.push(weight);
    if (expected === undefined) return;
    const write = weight.write.bind(weight);
    weight.write = (value) => {
      const own = checksumOf(value);
      if (own !== expected) {
        this.#refuse(
          `is given a ${name} other than what was saved: its checksum is ${own}, the file has ${expected}`,
        );
      }
      weight.write = write;
      return write(value);
    };
  }

  /** The checksum of the layer as it is now; as it was given, before the layer is built. */
  of(config: tf.serialization.ConfigDict): string {
    const weights = this.#weights.map((weight) => checksumOf(weight.read()));
    const rest = (this.#weights.length > 0 ? weights : (this.#expected ?? [])).join('');
    if (rest === '') return this.#expected ? this.#whole(config, rest) : NO_CHECKSUM;
    return this.#whole(config, rest);
  }

  #checked(config: tf.serialization.ConfigDict, given: unknown): readonly string[] {
    if (typeof given !== 'string' || given.length < DIGITS || given.length % DIGITS !== 0) {
      this.#refuse(`has no checksum, but ${describeValue(given)}`);
    }
    const rest = given.slice(DIGITS);
    if (given !== this.#whole(config, rest))
      this.#refuse('has a configuration other than the one that was saved');
    return Array.from({ length: rest.length / DIGITS }, (_, i) => rest.slice(DIGITS * i, DIGITS * (i + 1)));
  }

  /** Of the class, too: layers of two classes may have the same fields. */
  #whole(config: tf.serialization.ConfigDict, rest: string): string {
    const text = `${this.#layer.getClassName()} ${canonical(config)} ${rest}`;
    return checksum(tf.util.encodeString(text, 'utf-8')) + rest;
  }

  #refuse(why: string): never {
    throw new RangeError(`The layer ${this.#layer.name} ${why}. ${WAY_OUT}`);
  }
}

function checksumOf(tensor: tf.Tensor): string {
  const { buffer, byteOffset, byteLength } = numbersOf(tensor);
  return checksum(new Uint8Array(buffer, byteOffset, byteLength));
}

/** @throws Error on webgpu outside a browser, where numbers that were not read before are not to be had at once */
function numbersOf(tensor: tf.Tensor): tf.TypedArray {
  try {
    return tensor.dataSync();
  } catch (error) {
    throw new Error(
      `The checksum of a block-sparse layer needs its weights at once, which ${tf.getBackend()} does not give here: save() the ` +
        'model, which reads them first, or await the data() of its weights before its configuration is asked for',
      { cause: error },
    );
  }
}

/**
 * A configuration as text that is the same before it is saved and after it is loaded: keys in order, without what is null.
 * In between tfjs writes names in another case; while it loads, it puts `customObjects` into every part.
 */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value === 'string') return JSON.stringify(inOneCase(value));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .map(([key, entry]) => [inOneCase(key), canonical(entry)] as const)
    .filter(([key, text]) => text !== 'null' && key !== 'customobjects')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, text]) => `${key}:${text}`).join()}}`;
}

function inOneCase(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}
