/**
 * A run as the bytes of one file: a line with the format, its version and a checksum of the rest; a line of JSON, which
 * says what the numbers are; the numbers, as the machine has them, one after the other.
 */
import { checksum } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import {
  optimizerState,
  restoreOptimizerState,
  stored,
  type OptimizerState,
  type StoredTensor,
} from './optimizer-snapshot.js';
import { unnumbered, type PruningState } from './state.js';

/** A variable, and what it is called in messages. */
export interface NamedVariable {
  readonly name: string;
  readonly variable: tf.Variable;
}

/** What a checkpoint is taken of, or given to. */
export interface CheckpointedRun {
  readonly pruner: string;
  readonly totalSteps: number;
  readonly variables: readonly NamedVariable[];
  readonly optimizer: tf.Optimizer | null;
}

type Entry = Omit<StoredTensor, 'values'>;

const GROUPS = ['masks', 'variables', 'slots'] as const;

interface Header {
  readonly pruner: string;
  readonly totalSteps: number;
  readonly step: number;
  readonly densities: Readonly<Record<string, number>> | null;
  readonly optimizer: Omit<OptimizerState, 'slots'> | null;
  readonly entries: Readonly<Record<(typeof GROUPS)[number], readonly Entry[]>>;
}

/** All that a checkpoint holds. */
interface Content extends Omit<Header, 'entries'>, Record<(typeof GROUPS)[number], readonly StoredTensor[]> {}

const FORMAT = 'espalier pruning';
const VERSION = 1;
const FIRST_LINE = new RegExp(`^${FORMAT} (\\d+) ([0-9a-f]+)$`);
const NEWLINE = 10;

export async function packCheckpoint(run: CheckpointedRun, state: PruningState): Promise<Uint8Array> {
  const snapshot = run.optimizer && (await optimizerState(run.optimizer));
  const groups = {
    masks: Object.entries(state.masks).map(([name, kept]): StoredTensor => {
      return { name, shape: [kept.length], dtype: 'int32', values: Int32Array.from(kept) };
    }),
    variables: await Promise.all(run.variables.map(({ name, variable }) => stored(name, variable))),
    slots: snapshot?.slots ?? [],
  };
  const entryOf = ({ name, shape, dtype }: StoredTensor): Entry => ({ name, shape, dtype });
  const header: Header = {
    pruner: run.pruner,
    totalSteps: run.totalSteps,
    step: state.step,
    densities: state.densities ?? null,
    optimizer: snapshot && { kind: snapshot.kind, numbers: snapshot.numbers },
    entries: {
      masks: groups.masks.map(entryOf),
      variables: groups.variables.map(entryOf),
      slots: groups.slots.map(entryOf),
    },
  };
  const numbers = GROUPS.flatMap((group) => groups[group].map(({ values }) => bytesOf(values)));
  const body = joined([tf.util.encodeString(`${JSON.stringify(header)}\n`), ...numbers]);
  return joined([tf.util.encodeString(`${FORMAT} ${VERSION} ${checksum(body)}\n`), body]);
}

/**
 * Gives the run's variables and its optimiser what the checkpoint holds.
 *
 * @param assertState refuses a state that is not one of the run's
 * @returns where the run stood
 * @throws RangeError when it is damaged, or of another run; nothing was changed then
 */
export async function restoreCheckpoint(
  bytes: Uint8Array,
  run: CheckpointedRun,
  assertState: (state: PruningState) => void,
): Promise<PruningState> {
  const content = unpacked(bytes);
  assertOf(run, content);
  const state: PruningState = {
    step: content.step,
    masks: Object.fromEntries(content.masks.map(({ name, values }) => [name, Array.from(values)])),
    ...(content.densities && { densities: content.densities }),
  };
  assertState(state);
  if (run.optimizer) {
    const { kind, numbers } = content.optimizer!;
    await restoreOptimizerState(run.optimizer, { kind, numbers, slots: content.slots }).catch(
      (error: Error) => refuse(`cannot be gone on from: ${error.message}`),
    );
  }
  tf.tidy(() =>
    run.variables.forEach(({ variable }, i) => {
      const { values, dtype } = content.variables[i]!;
      variable.assign(tf.tensor(values, variable.shape, dtype));
    }),
  );
  return state;
}

function assertOf({ pruner, totalSteps, variables, optimizer }: CheckpointedRun, content: Content): void {
  if (content.pruner !== pruner) refuse(`is of the strategy ${content.pruner}, this run of ${pruner}`);
  if (content.totalSteps !== totalSteps) {
    refuse(`is of a run of ${content.totalSteps} steps, this one has ${totalSteps}`);
  }
  if (content.variables.length !== variables.length) {
    refuse(`holds ${content.variables.length} variables, this run has ${variables.length}`);
  }
  variables.forEach(({ name, variable }, i) => {
    const of = content.variables[i]!;
    const same = unnumbered(of.name) === unnumbered(name) && of.dtype === variable.dtype;
    if (same && of.shape.join() === variable.shape.join()) return;
    refuse(
      `has ${of.name} [${of.shape.join('×')}] where this run has ${name} [${variable.shape.join('×')}]: ` +
        'build the model by the same code',
    );
  });
  const kind = optimizer?.getClassName() ?? 'none';
  const given = content.optimizer?.kind ?? 'none';
  if (given !== kind) refuse(`was taken under the optimiser ${given}, this run has ${kind}`);
  const shapes = new Set(['', ...variables.map(({ variable }) => variable.shape.join())]);
  const odd = content.slots.find(({ shape }) => !shapes.has(shape.join()));
  if (odd) refuse(`has a slot ${odd.name} of a shape that no variable has, [${odd.shape.join('×')}]`);
}

/** @throws RangeError for what is no checkpoint, or a damaged one */
function unpacked(bytes: Uint8Array): Content {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError('resume() takes the bytes that checkpoint() gave, a Uint8Array');
  }
  const end = bytes.subarray(0, 128).indexOf(NEWLINE);
  const [, version, sum] = FIRST_LINE.exec(tf.util.decodeString(bytes.subarray(0, Math.max(end, 0)))) ?? [];
  if (version === undefined) refuse('does not begin as one that pruning.checkpoint() gave');
  if (Number(version) !== VERSION) refuse(`is of version ${version} of its format, not ${VERSION}`);
  const body = bytes.subarray(end + 1);
  if (checksum(body) !== sum) refuse('is damaged: its checksum is another');
  const start = body.indexOf(NEWLINE) + 1;
  const header = parsed(tf.util.decodeString(body.subarray(0, start)));
  let offset = start;
  const take = (entry: Entry): StoredTensor => {
    const size = entry.shape.reduce((product, axis) => product * axis, 1);
    const kind = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[entry.dtype];
    const length = size * kind.BYTES_PER_ELEMENT;
    if (!(length <= body.length - offset)) refuse(`ends before ${entry.name} does`);
    const part = body.slice(offset, (offset += length));
    return { ...entry, values: new kind(part.buffer, 0, size) };
  };
  const { entries, ...rest } = header;
  const content = {
    ...rest,
    masks: entries.masks.map(take),
    variables: entries.variables.map(take),
    slots: entries.slots.map(take),
  };
  if (offset !== body.length) refuse('goes on after its last number');
  return content;
}

/** @throws RangeError unless the text is a header, to the last field */
function parsed(text: string): Header {
  let header: Partial<Header> | null = null;
  try {
    header = JSON.parse(text) as Partial<Header> | null;
  } catch {
    refuse('has a header that is no JSON');
  }
  const { pruner, totalSteps, step, densities, optimizer, entries } = (header ?? {}) as Partial<Header>;
  const whole =
    typeof pruner === 'string' &&
    Number.isInteger(totalSteps) &&
    Number.isInteger(step) &&
    isNullOr(densities, isNumbers) &&
    isNullOr(optimizer, ({ kind, numbers }) => typeof kind === 'string' && isNumbers(numbers)) &&
    GROUPS.every((group) => Array.isArray(entries?.[group]) && entries[group].every(isEntry)) &&
    entries!.masks.every(({ shape, dtype }) => shape.length === 1 && dtype === 'int32');
  if (!whole) refuse('has a header that is not whole');
  return header as Header;
}

function isNullOr<T extends object>(value: T | null | undefined, holds: (value: T) => boolean): boolean {
  return value === null || (typeof value === 'object' && holds(value));
}

function isNumbers(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every(Number.isFinite);
}

function isEntry(value: unknown): value is Entry {
  const { name, shape, dtype } = (value ?? {}) as Partial<Entry>;
  return (
    typeof name === 'string' &&
    Array.isArray(shape) &&
    shape.every((axis) => Number.isInteger(axis) && axis >= 0) &&
    ['float32', 'int32', 'bool'].includes(dtype as string)
  );
}

function refuse(why: string): never {
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
