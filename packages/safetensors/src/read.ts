/**
 * The format: 8 bytes, the length of the header as a whole number, the lowest byte first; the header, JSON of
 * `{ name: { dtype, shape, data_offsets: [begin, end] } }` and `__metadata__`, texts by name; the tensors' bytes, without
 * holes, which the offsets count from the header's end. Source: the format's description in the README of
 * huggingface/safetensors.
 */
import { describeValue } from '@espalier/core';

import { DTYPES, type Dtype, type SafeTensor } from './dtypes.js';
import { headerOf, metadataOf, quoted, refuse } from './header.js';

/** What a file holds. */
export interface SafeTensors {
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  /** What whoever wrote the file put down of it. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Of the header's length. */
export const LENGTH_BYTES = 8;
/** As the format's own implementation has it. */
const LONGEST_HEADER = 100_000_000;

/**
 * Reads a whole file: in Node and in a browser. Floats of every width become float32, rounded where they were wider; whole
 * numbers keep their type, and truth values are bytes of 0 and 1. What is read is copied.
 *
 * @throws TypeError for what is no bytes; RangeError for a file that is damaged, with the tensor and the value seen. Nothing is
 *   allocated by a number that was not compared with the file's own length.
 *
 * @example
 * ```ts
 * import { readSafetensors, writeSafetensors } from '@espalier/safetensors';
 *
 * const bytes = writeSafetensors({ 'fc1.bias': { shape: [2], data: Float32Array.of(0.5, -1) } });
 * const bias = readSafetensors(bytes).tensors.get('fc1.bias');
 * console.log(bias?.dtype, bias?.shape, bias?.data); // F32 [ 2 ] Float32Array(2) [ 0.5, -1 ]
 * ```
 */
export function readSafetensors(file: Uint8Array | ArrayBuffer): SafeTensors {
  if (!(file instanceof Uint8Array || file instanceof ArrayBuffer)) {
    throw new TypeError(`readSafetensors() takes the bytes of a file, it is given ${describeValue(file)}`);
  }
  // A plain one: the slices of Node's Buffer are no copies.
  const bytes = ArrayBuffer.isView(file)
    ? new Uint8Array(file.buffer, file.byteOffset, file.byteLength)
    : new Uint8Array(file);
  const begin = headerEnd(bytes.subarray(0, LENGTH_BYTES), bytes.length);
  const { entries, metadata } = contentsOf(bytes.subarray(LENGTH_BYTES, begin), bytes.length - begin);
  const tensors = entries.map((entry) =>
    tensorOf(entry, bytes.slice(begin + entry.begin, begin + entry.end)),
  );
  return { tensors: new Map(tensors), metadata };
}

/**
 * Where the header ends and the tensors' bytes begin.
 *
 * @param start the first bytes of the file, `LENGTH_BYTES` of them where it has as many
 * @param size of the file in bytes
 */
export function headerEnd(start: Uint8Array, size: number): number {
  if (size < LENGTH_BYTES) refuse(`has ${size} bytes, and the length of its header takes ${LENGTH_BYTES}`);
  const length = new DataView(start.buffer, start.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  const most = Math.min(LONGEST_HEADER, size - LENGTH_BYTES);
  if (length > most) refuse(`tells of a header of ${length} bytes, and has room for one of ${most}`);
  return LENGTH_BYTES + Number(length);
}

/** A tensor's place in the bytes after the header. */
export interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * What a header tells of, in the order of the bytes.
 *
 * @param size of what is behind it, in bytes, which the tensors fill without holes
 */
export function contentsOf(
  bytes: Uint8Array,
  size: number,
): { readonly entries: readonly Entry[]; readonly metadata: SafeTensors['metadata'] } {
  const { __metadata__: metadata = {}, ...header } = headerOf(bytes);
  const entries = Object.entries(header).map(([name, entry]) => entryOf(name, entry));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== at) {
      const what = begin < at ? 'lies over the tensor before it' : 'leaves a hole before it';
      refuse(`has ${quoted(name)} from byte ${begin} on, where ${at} is the first that is free: it ${what}`);
    }
    if (end > size)
      refuse(`has ${quoted(name)} up to byte ${end}, and ${size} bytes of tensors: it is cut short`);
    at = end;
  }
  if (at < size) refuse(`has ${size} bytes of tensors, and tells of ${at}`);
  return { entries, metadata: metadataOf(metadata) };
}

/** @param copy of the tensor's bytes, at the beginning of its buffer */
export function tensorOf({ name, dtype, shape }: Entry, copy: Uint8Array): [string, SafeTensor] {
  return [name, { dtype, shape, data: DTYPES[dtype].read(copy) }];
}

function entryOf(name: string, entry: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPES, dtype)) {
    refuse(
      `has ${quoted(name)} of the dtype ${describeValue(dtype)}: what can be read is ${Object.keys(DTYPES).join(', ')}`,
    );
  }
  if (!isCounts(shape)) refuse(`has ${quoted(name)} of the shape ${describeValue(shape)}`);
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    refuse(`has ${quoted(name)} at the offsets ${describeValue(offsets)}, which are no begin and end`);
  }
  const [begin, end] = offsets as [number, number];
  const asked = shape.reduce((product, length) => product * length, DTYPES[dtype as Dtype].bytes);
  if (asked !== end - begin) {
    refuse(
      `has ${quoted(name)} of the shape [${shape.slice(0, 8).join(', ')}] in ${dtype}, ${asked} bytes, at offsets of ${end - begin}`,
    );
  }
  return { name, dtype: dtype as Dtype, shape, begin, end };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}
