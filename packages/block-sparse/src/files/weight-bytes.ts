/** Where each weight lies in the bytes of a saved model. */
import { describeValue } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

export interface WeightBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Bytes of a number, as it is stored: quantised, where it is. */
const NUMBER_BYTES: Readonly<Record<string, number>> = {
  ...{ float32: 4, int32: 4, complex64: 8, float16: 2, uint16: 2, uint8: 1, bool: 1 },
};
/** Before each text stands its length. */
const LENGTH_BYTES = 4;

/**
 * The bytes of each weight, in the order in which they are stored; views, no copies.
 *
 * @throws RangeError where the bytes are not those of the weights that are told of
 */
export function bytesOfWeights({ weightSpecs = [], weightData }: tf.io.ModelArtifacts): WeightBytes[] {
  const all = new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData ?? new ArrayBuffer(0)));
  let at = 0;
  if (!Array.isArray(weightSpecs)) {
    throw new RangeError(
      `The model's file tells of its weights as ${describeValue(weightSpecs)}, not a list`,
    );
  }
  const weights = weightSpecs.map((spec) => {
    const length = lengthOf(spec, all.subarray(at));
    const bytes = all.subarray(at, at + length);
    if (bytes.length !== length) {
      throw new RangeError(
        `The model's file ends within ${spec.name}: of its ${length} bytes there are ${bytes.length}`,
      );
    }
    at += length;
    return { name: spec.name, bytes };
  });
  if (at === all.length) return weights;
  throw new RangeError(`The model's file has ${all.length} bytes of weights, ${at} are told of`);
}

/**
 * How many bytes weights take at most; without end where there are texts among them.
 *
 * @throws RangeError for what is told of in no way that there is
 */
export function mostBytes(weightSpecs: readonly tf.io.WeightsManifestEntry[]): number {
  return weightSpecs.reduce(
    (sum, spec) => sum + (spec?.dtype === 'string' ? Infinity : lengthOf(spec, new Uint8Array())),
    0,
  );
}

function lengthOf(spec: tf.io.WeightsManifestEntry, bytes: Uint8Array): number {
  const { name, shape, dtype, quantization } = (spec ?? {}) as Partial<tf.io.WeightsManifestEntry>;
  const stored = quantization?.dtype ?? dtype;
  const isShape = Array.isArray(shape) && shape.every((length) => Number.isInteger(length) && length >= 0);
  const count = isShape ? shape.reduce((product, length) => product * length, 1) : NaN;
  const isKnown = typeof stored === 'string' && (Object.hasOwn(NUMBER_BYTES, stored) || stored === 'string');
  if (typeof name !== 'string' || !Number.isSafeInteger(count) || !isKnown) {
    throw new RangeError(
      `The model's file tells of ${typeof name === 'string' ? name : describeValue(name)} as ${describeValue(stored)} of shape ` +
        `${isShape ? `[${shape.join(', ')}]` : describeValue(shape)}`,
    );
  }
  if (stored === 'string') return lengthOfTexts(count, bytes);
  if (quantization) assertRange(name, quantization);
  return count * NUMBER_BYTES[stored]!;
}

/** That what the codes stand for are numbers of float32. */
function assertRange(name: string, { dtype, scale, min }: WeightQuantization): void {
  if (dtype === 'float16') return;
  const highest = dtype === 'uint8' ? 0xff : 0xffff;
  const ends = [min, Number(min) + highest * Number(scale)];
  if (ends.every((end) => Number.isFinite(Math.fround(end as number)))) return;
  throw new RangeError(
    `The model's file has ${name} in ${dtype} from ${String(min)} on in steps of ${String(scale)}, which are no float32`,
  );
}

type WeightQuantization = NonNullable<tf.io.WeightsManifestEntry['quantization']>;

function lengthOfTexts(count: number, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + LENGTH_BYTES > bytes.length) return Infinity;
    at += LENGTH_BYTES + view.getUint32(at, true);
  }
  return at;
}
