/**
 * A run as the bytes of one file: a line with the format, its version and a checksum of the rest; a line of JSON, which
 * says what the numbers are; the numbers, as the machine has them, one after the other.
 */
import { checksum, describeValue } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { OptimizerState, StoredTensor } from './optimizer-snapshot.js';
import type { Seen } from './training-watch.js';

/** What is said of stored numbers; of a variable also the name that it had with tfjs. */
type Entry = Omit<StoredTensor, 'values'> & { readonly id?: string };
export type Stored = Entry & Pick<StoredTensor, 'values'>;

const GROUPS = ['masks', 'gradients', 'variables', 'slots'] as const;
export type Groups<T> = Readonly<Record<(typeof GROUPS)[number], readonly T[]>>;

interface Header {
  readonly identity: Readonly<Record<string, unknown>>;
  readonly step: number;
  readonly densities: Readonly<Record<string, number>> | null;
  readonly seen: Seen;
  readonly optimizer: Omit<OptimizerState, 'slots'> | null;
  readonly entries: Groups<Entry>;
}

/** All that a checkpoint holds. */
export interface Content extends Omit<Header, 'entries'>, Groups<Stored> {}

const FORMAT = 'espalier pruning';
const VERSION = 1;
const FIRST_LINE = new RegExp(`^${FORMAT} (\\d+) ([0-9a-f]+)$`);
const NEWLINE = 10;

/** The bytes of a checkpoint. */
export function packed(content: Content): Uint8Array {
  const { masks, gradients, variables, slots, ...rest } = content;
  const groups: Groups<Stored> = { masks, gradients, variables, slots };
  const entriesOf = (group: readonly Stored[]) => group.map(({ values: _values, ...entry }) => entry);
  const header: Header = {
    ...rest,
    entries: {
      masks: entriesOf(masks),
      gradients: entriesOf(gradients),
      variables: entriesOf(variables),
      slots: entriesOf(slots),
    },
  };
  const numbers = GROUPS.flatMap((group) => groups[group].map(({ values }) => bytesOf(values)));
  const body = joined([tf.util.encodeString(`${JSON.stringify(header)}\n`), ...numbers]);
  return joined([tf.util.encodeString(`${FORMAT} ${VERSION} ${checksum(body)}\n`), body]);
}

/** @throws RangeError for what is no checkpoint, or a damaged one */
export function unpacked(bytes: Uint8Array): Content {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError(
      `resume() takes the bytes that checkpoint() gave, a Uint8Array: it is given ${describeValue(bytes)}`,
    );
  }
  const end = bytes.subarray(0, 128).indexOf(NEWLINE);
  const firstLine = tf.util.decodeString(bytes.subarray(0, Math.max(end, 0)));
  const [, version, sum] = FIRST_LINE.exec(firstLine) ?? [];
  if (version === undefined) refuse('does not begin as one that pruning.checkpoint() gave');
  if (Number(version) !== VERSION) refuse(`is of version ${version} of its format, not ${VERSION}`);
  const body = bytes.subarray(end + 1);
  if (checksum(body) !== sum) refuse('is damaged: its checksum is another');
  const start = body.indexOf(NEWLINE) + 1;
  const { entries, ...rest } = parsed(tf.util.decodeString(body.subarray(0, start)));
  let offset = start;
  const take = (entry: Entry): Stored => {
    const size = entry.shape.reduce((product, axis) => product * axis, 1);
    const kind = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[entry.dtype];
    const length = size * kind.BYTES_PER_ELEMENT;
    if (!(length <= body.length - offset)) refuse(`ends before ${entry.name} does`);
    const part = body.slice(offset, (offset += length));
    return { ...entry, values: new kind(part.buffer, 0, size) };
  };
  const groups = {
    masks: entries.masks.map(take),
    gradients: entries.gradients.map(take),
    variables: entries.variables.map(take),
    slots: entries.slots.map(take),
  };
  if (offset !== body.length) refuse('goes on after its last number');
  return { ...rest, ...groups };
}

/** @throws RangeError unless the text is a header, to the last field */
function parsed(text: string): Header {
  let header: Partial<Header> | null = null;
  try {
    header = JSON.parse(text) as Partial<Header> | null;
  } catch {
    refuse('has a header that is no JSON');
  }
  const { identity, step, densities, seen, optimizer, entries } = (header ?? {}) as Partial<Header>;
  const whole =
    isRecord(identity) &&
    Number.isInteger(step) &&
    (densities === null || isNumbers(densities)) &&
    isRecord(seen) &&
    isCount(seen.idleSteps) &&
    Array.isArray(seen.trained) &&
    seen.trained.every((bit) => bit === 0 || bit === 1) &&
    (optimizer === null ||
      (isRecord(optimizer) && typeof optimizer.kind === 'string' && isNumbers(optimizer.numbers))) &&
    isRecord(entries) &&
    GROUPS.every((group) => Array.isArray(entries[group]) && entries[group].every(isEntry)) &&
    entries.masks.every(({ shape, dtype }) => shape.length === 1 && dtype === 'int32');
  if (!whole) refuse('has a header that is not whole');
  return header as Header;
}

function isRecord<T extends object>(value: T | null | undefined): value is T {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumbers(value: object | null | undefined): boolean {
  return isRecord(value) && Object.values(value).every(Number.isFinite);
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0;
}

function isEntry(value: unknown): value is Entry {
  const { name, shape, dtype, slot = '', id = '' } = (value ?? {}) as Partial<Entry>;
  return (
    [name, slot, id].every((text) => typeof text === 'string') &&
    Array.isArray(shape) &&
    shape.every(isCount) &&
    ['float32', 'int32', 'bool'].includes(dtype as string)
  );
}

/** @throws RangeError */
export function refuse(why: string): never {
  throw new RangeError(`The checkpoint ${why}`);
}

function bytesOf({ buffer, byteOffset, byteLength }: StoredTensor['values']): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
