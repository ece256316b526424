/** Where each weight lies in the bytes of a saved model. */
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

function lengthOf(
  { name, shape, dtype, quantization }: tf.io.WeightsManifestEntry,
  bytes: Uint8Array,
): number {
  const count = shape.reduce((product, length) => product * length, 1);
  if (dtype === 'string') return lengthOfTexts(count, bytes);
  const each = NUMBER_BYTES[quantization?.dtype ?? dtype];
  if (each !== undefined && Number.isInteger(count) && count >= 0) return count * each;
  throw new RangeError(
    `The model's file tells of ${name} as ${quantization?.dtype ?? dtype} of shape [${String(shape)}]`,
  );
}

function lengthOfTexts(count: number, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + LENGTH_BYTES > bytes.length) return Infinity;
    at += LENGTH_BYTES + view.getUint32(at, true);
  }
  return at;
}
