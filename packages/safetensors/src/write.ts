/** Files for PyTorch and whatever else reads safetensors: `read.ts` says how they are made. */
import { describeValue } from '@espalier/core';

import { DTYPES, type Dtype, type SafeData } from './dtypes.js';

/** A tensor to write. */
export interface TensorToWrite {
  /** As the type of the array says when absent; `BOOL` for bytes of 0 and 1. */
  readonly dtype?: Dtype;
  readonly shape: readonly number[];
  readonly data: SafeData;
}

const OF_ARRAYS: ReadonlyMap<unknown, Dtype> = new Map<unknown, Dtype>([
  [Float32Array, 'F32'],
  [BigInt64Array, 'I64'],
  [BigUint64Array, 'U64'],
  [Int32Array, 'I32'],
  [Uint32Array, 'U32'],
  [Int16Array, 'I16'],
  [Uint16Array, 'U16'],
  [Int8Array, 'I8'],
  [Uint8Array, 'U8'],
]);
/** The data begin at a multiple of it. */
const ALIGNMENT = 8;

/**
 * The bytes of a file that holds these tensors, in the types of their arrays. Those of wider numbers come first, so that
 * each lies where a program may read it in place.
 *
 * @param tensors by name
 * @param metadata texts by name; PyTorch's own files say `{ format: 'pt' }`
 * @throws TypeError for what is no tensor, and metadata that are no texts; RangeError for a shape that is not that of the
 *   numbers, or has lengths that are no whole numbers from 0 on
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, TensorToWrite>> | ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Uint8Array<ArrayBuffer> {
  if (typeof tensors !== 'object' || tensors === null || Array.isArray(tensors)) {
    throw new TypeError(`writeSafetensors() takes tensors by name, it is given ${describeValue(tensors)}`);
  }
  assertTexts(metadata);
  const given = [...(tensors instanceof Map ? tensors : Object.entries(tensors))] as [
    string,
    TensorToWrite,
  ][];
  const written = given.map(([name, tensor]) => ({ ...tensor, name, dtype: dtypeOf(name, tensor) }));
  written.sort((a, b) => DTYPES[b.dtype].bytes - DTYPES[a.dtype].bytes || (a.name < b.name ? -1 : 1));
  let at = 0;
  const entries = written.map(({ name, dtype, shape, data }) => {
    const offsets = [at, (at += data.byteLength)];
    return [name, { dtype, shape, data_offsets: offsets }] as const;
  });
  // Made of entries: '__proto__' is a name as any other.
  const header = new TextEncoder().encode(
    JSON.stringify(Object.fromEntries([['__metadata__', metadata], ...entries])),
  );
  const begin = Math.ceil((8 + header.length) / ALIGNMENT) * ALIGNMENT;
  const file = new Uint8Array(begin + at).fill(0x20, 8, begin);
  new DataView(file.buffer).setBigUint64(0, BigInt(begin - 8), true);
  file.set(header, 8);
  written.forEach(({ data: { buffer, byteOffset, byteLength } }, i) => {
    file.set(new Uint8Array(buffer, byteOffset, byteLength), begin + entries[i]![1].data_offsets[0]!);
  });
  return file;
}

function assertTexts(metadata: unknown): void {
  const isObject = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
  const wrong = isObject ? Object.entries(metadata).find(([, text]) => typeof text !== 'string') : [];
  if (wrong === undefined) return;
  const seen = isObject ? `${describeValue(wrong[1])} as ${wrong[0]}` : describeValue(metadata);
  throw new TypeError(`writeSafetensors() takes as metadata texts by name, it is given ${seen}`);
}

function dtypeOf(name: string, tensor: TensorToWrite): Dtype {
  if (typeof name !== 'string') {
    throw new TypeError(`writeSafetensors() takes texts as names, one is ${describeValue(name)}`);
  }
  const { dtype, shape, data } = ((tensor as unknown) ?? {}) as TensorToWrite;
  const own = OF_ARRAYS.get((data as SafeData | undefined)?.constructor);
  if (own === undefined || !Array.isArray(shape)) {
    throw new TypeError(
      `writeSafetensors(): ${name} has ${describeValue(data)} of the shape ${describeValue(shape)}, and is to have a typed ` +
        'array and an array of lengths',
    );
  }
  if (name === '__metadata__') {
    throw new RangeError('writeSafetensors(): __metadata__ is the name of what is said of the file');
  }
  const bools = dtype === 'BOOL' && own === 'U8';
  if (dtype !== undefined && dtype !== own && !bools) {
    throw new RangeError(
      `writeSafetensors(): ${name} is to be ${dtype}, and its numbers are a ${data.constructor.name}, which is ${own}`,
    );
  }
  if (bools && (data as Uint8Array).some((bit) => bit > 1)) {
    throw new RangeError(`writeSafetensors(): ${name} is to be BOOL, and has bytes other than 0 and 1`);
  }
  if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0)) {
    throw new RangeError(
      `writeSafetensors(): ${name} has the shape [${shape.join(', ')}], and lengths are whole numbers from 0 on`,
    );
  }
  const size = (shape as readonly number[]).reduce((product, length) => product * length, 1);
  if (size === data.length) return dtype ?? own;
  throw new RangeError(
    `writeSafetensors(): ${name} has the shape [${shape.join(', ')}], ${size} numbers, and ${data.length} numbers`,
  );
}
