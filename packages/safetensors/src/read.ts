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
const LENGTH_BYTES = 8;
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
  if (bytes.length < LENGTH_BYTES)
    refuse(`has ${bytes.length} bytes, and the length of its header takes ${LENGTH_BYTES}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  const most = Math.min(LONGEST_HEADER, bytes.length - LENGTH_BYTES);
  if (length > most) refuse(`tells of a header of ${length} bytes, and has room for one of ${most}`);
  const end = LENGTH_BYTES + Number(length);
  const { __metadata__: metadata = {}, ...entries } = headerOf(bytes.subarray(LENGTH_BYTES, end));
  return { tensors: tensorsOf(entries, bytes.subarray(end)), metadata: metadataOf(metadata) };
}

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function tensorsOf(header: Readonly<Record<string, unknown>>, data: Uint8Array): Map<string, SafeTensor> {
  const entries = Object.entries(header).map(([name, entry]) => entryOf(name, entry));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== at) {
      const what = begin < at ? 'lies over the tensor before it' : 'leaves a hole before it';
      refuse(`has ${quoted(name)} from byte ${begin} on, where ${at} is the first that is free: it ${what}`);
    }
    if (end > data.length)
      refuse(`has ${quoted(name)} up to byte ${end}, and ${data.length} bytes of tensors: it is cut short`);
    at = end;
  }
  if (at < data.length) refuse(`has ${data.length} bytes of tensors, and tells of ${at}`);
  return new Map(
    entries.map(({ name, dtype, shape, begin, end }) => [
      name,
      { dtype, shape, data: DTYPES[dtype].read(data.slice(begin, end)) },
    ]),
  );
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
