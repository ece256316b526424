/** The types of numbers that a file may hold, and what becomes of them. */

/** A tensor of a file. */
export interface SafeTensor {
  /** As the file has it. */
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Row by row, `shape`'s product of them. */
  readonly data: SafeData;
}

export type SafeData =
  | Float32Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array;

export type Dtype =
  'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'U64' | 'I32' | 'U32' | 'I16' | 'U16' | 'I8' | 'U8' | 'BOOL';

interface NumberType {
  /** Of a number. */
  readonly bytes: number;
  /** The numbers in a copy of their bytes, which lies at the beginning of its buffer. */
  read(copy: Uint8Array): SafeData;
}

export const DTYPES: Readonly<Record<Dtype, NumberType>> = {
  F64: { bytes: 8, read: ({ buffer }) => Float32Array.from(new Float64Array(buffer)) },
  F32: { bytes: 4, read: ({ buffer }) => new Float32Array(buffer) },
  F16: { bytes: 2, read: ({ buffer }) => Float32Array.from(new Uint16Array(buffer), half) },
  BF16: { bytes: 2, read: ({ buffer }) => brainFloats(new Uint16Array(buffer)) },
  I64: { bytes: 8, read: ({ buffer }) => new BigInt64Array(buffer) },
  U64: { bytes: 8, read: ({ buffer }) => new BigUint64Array(buffer) },
  I32: { bytes: 4, read: ({ buffer }) => new Int32Array(buffer) },
  U32: { bytes: 4, read: ({ buffer }) => new Uint32Array(buffer) },
  I16: { bytes: 2, read: ({ buffer }) => new Int16Array(buffer) },
  U16: { bytes: 2, read: ({ buffer }) => new Uint16Array(buffer) },
  I8: { bytes: 1, read: ({ buffer }) => new Int8Array(buffer) },
  U8: { bytes: 1, read: (copy) => copy },
  BOOL: { bytes: 1, read: (copy) => copy },
};

/** IEEE 754 binary16: a sign, 5 bits of exponent, 10 of fraction. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 0x400;
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

/** The upper halves of float32. */
function brainFloats(halves: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(halves, (bits) => bits << 16).buffer);
}
