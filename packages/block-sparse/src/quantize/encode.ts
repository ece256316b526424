/**
 * Weights in fewer bits, in the format of tfjs' own weight files: 16-bit floats, or whole numbers u of 8 or 16 bits that
 * stand for `u · scale + min`, one range a weight. Zero is always exact.
 */
import { type BlockPattern, blocksOfPattern } from '@espalier/blocks';

/** How the numbers of a weight are stored. */
export type Precision = 'float32' | 'float16' | 'uint16' | 'uint8';

/** As it stands in a file's list of weights; tfjs decodes by it. */
interface LinearCode {
  readonly dtype: 'uint8' | 'uint16';
  readonly min: number;
  readonly scale: number;
}

export interface Encoded {
  readonly bytes: Uint8Array;
  readonly quantization: LinearCode | { readonly dtype: 'float16' };
}

/** The largest number of 16-bit floats. */
const LARGEST_HALF = 65504;

/**
 * @param name of the weight, for errors
 * @throws RangeError for numbers that are not finite, or beyond what the precision holds
 */
export function encode(
  values: Float32Array,
  precision: Exclude<Precision, 'float32'>,
  name: string,
): Encoded {
  assertFinite(values, name);
  if (precision === 'float16') return { bytes: halves(values, name), quantization: { dtype: 'float16' } };
  const highest = precision === 'uint8' ? 0xff : 0xffff;
  // Zero lies within every range, and is one of its numbers.
  const lowest = values.reduce((a, b) => Math.min(a, b), 0);
  const width = values.reduce((a, b) => Math.max(a, b), 0) - lowest;
  const scale = width > 0 ? width / highest : 1;
  const zero = Math.round(-lowest / scale);
  const codes = new (precision === 'uint8' ? Uint8Array : Uint16Array)(values.length);
  values.forEach((value, i) => {
    codes[i] = Math.min(highest, Math.max(0, Math.round(value / scale) + zero));
  });
  return {
    bytes: new Uint8Array(codes.buffer),
    quantization: { dtype: precision, min: 0 - zero * scale, scale },
  };
}

/** Codes of 8 bits for the numbers of −1 to 127/128, in steps of 1/128. */
const OF_A_BLOCK: LinearCode = { dtype: 'uint8', min: -1, scale: 1 / 128 };

/**
 * With a range for each block: the numbers of a block, divided by its scale, within −1 and 1, and the scales,
 * `[pattern.blocks]`.
 *
 * @param values the kept weights, `[pattern.size]`
 * @throws RangeError for numbers that are not finite
 */
export function encodeByBlock(
  values: Float32Array,
  pattern: BlockPattern,
  name: string,
): Encoded & { readonly scales: Float32Array } {
  assertFinite(values, name);
  const scales = new Float32Array(pattern.blocks);
  const bytes = new Uint8Array(pattern.size);
  for (const { at, offset, height, width } of blocksOfPattern(pattern)) {
    const own = values.subarray(offset, offset + height * width);
    const largest = own.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    // In float32, so that what is decoded is what was meant.
    const scale = Math.fround((largest * 128) / 127) || 1;
    scales[at] = scale;
    own.forEach((value, i) => {
      bytes[offset + i] = 128 + Math.max(-127, Math.min(127, Math.round((value / scale) * 128)));
    });
  }
  return { bytes, quantization: OF_A_BLOCK, scales };
}

function assertFinite(values: Float32Array, name: string): void {
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong === undefined) return;
  throw new RangeError(`${name} holds ${wrong}: a weight that is not finite cannot be quantized`);
}

/** IEEE 754 binary16, rounded to the nearest, ties to even. */
function halves(values: Float32Array, name: string): Uint8Array {
  const codes = Uint16Array.from(values, (value) => {
    const magnitude = Math.abs(value);
    const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
    // Below 2⁻¹⁴ numbers are multiples of 2⁻²⁴; above, of 2^(exponent − 10).
    const exponent = Math.max(-14, Math.floor(Math.log2(magnitude || 2 ** -14)));
    const steps = toEven(magnitude / 2 ** (exponent - 10));
    const code = steps + (exponent + 14) * 0x400;
    if (code >= 0x7c00) {
      throw new RangeError(
        `${name} holds ${value}, beyond the ±${LARGEST_HALF} of float16: store it as uint16, which has a range of its own`,
      );
    }
    return sign | code;
  });
  return new Uint8Array(codes.buffer);
}

function toEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
