/** A data set of one's own, from arrays. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

import { assertArgument, assertFields, isWhole } from '../arguments.js';
import { DataError } from '../data-error.js';
import { sizeOf, type DataSet, type Values } from '../examples.js';
import { inMemory, type Column } from '../memory.js';
import { permutation, random } from '../random.js';
import { subset } from '../splits.js';

/** Examples: what a model is given, and what it is to put out. */
export interface OwnExamples {
  /** A row of numbers for each example, or columns of any shape, one for each of the model's inputs, in their order. */
  readonly inputs: readonly ArrayLike<number>[] | Column | readonly Column[];
  /** Their classes, by name or by index from 0: for classification. Either these or `targets`. */
  readonly labels?: readonly string[] | ArrayLike<number>;
  /** The numbers that are to be predicted, one or a row for each: for regression. */
  readonly targets?: readonly ArrayLike<number>[] | ArrayLike<number> | Column;
  /** How much each counts in training; all alike when absent. */
  readonly weights?: ArrayLike<number>;
}

export interface OwnSplit {
  /** Of the examples, which the model is judged by and never trains on; 0.2. */
  readonly testShare?: number;
  /** Which of them: fixed by the seed, a whole number from 0; 0. */
  readonly seed?: number;
}

export interface ArraysSettings extends OwnExamples, OwnSplit {
  /** Examples for the test, in place of a share of the others. */
  readonly test?: OwnExamples;
}

const FIELDS = ['inputs', 'labels', 'targets', 'weights'];

/**
 * @throws TypeError or RangeError for a setting that is not what it is to be
 * @throws DataError, by the example, for rows of different lengths, numbers that are none, labels that are no classes
 */
export function fromArrays(settings: ArraysSettings): DataSet {
  const of = 'fromArrays()';
  assertFields(settings, [...FIELDS, 'test', 'testShare', 'seed'], `${of}: settings`);
  const { test, testShare, seed, ...own } = settings;
  const { inputs, target, classes, weights } = columnsOf(own, of);
  const examples = inMemory(inputs, target, weights);
  const lot = test
    ? null
    : splitOf(
        examples.count,
        { ...(testShare !== undefined && { testShare }), ...(seed !== undefined && { seed }) },
        of,
      );
  const parts = lot
    ? { train: subset(examples, lot.train), test: subset(examples, lot.test) }
    : { train: examples, test: ofTest(test as OwnExamples, classes, of) };
  return {
    ...parts,
    ...(classes && { classes }),
    digest: () => digestOf(settings, [inputs, [target]].flat(), parts, weights),
  };
}

function ofTest(test: OwnExamples, classes: readonly string[] | undefined, of: string) {
  assertFields(test, FIELDS, `${of}: test`);
  const { inputs, target, weights } = columnsOf(test, `${of}: test`, classes);
  return inMemory(inputs, target, weights);
}

/** By lot: which examples are for the test, and which for training, each in their order. */
export function splitOf(
  count: number,
  { testShare = 0.2, seed = 0 }: OwnSplit,
  of: string,
): { train: Int32Array; test: Int32Array } {
  assertArgument(testShare > 0 && testShare < 1, `${of}: testShare`, testShare, 'a number in (0, 1)');
  assertArgument(isWhole(seed, 0), `${of}: seed`, seed, 'a whole number of at least 0');
  const order = permutation(count, random(seed, 'test split'));
  const cut = Math.round(testShare * count);
  if (cut < 1 || cut >= count) {
    throw new DataError(
      `${of}: testShare = ${testShare} of ${count} examples leaves none on one side: give more examples`,
    );
  }
  return { test: order.slice(0, cut).sort(), train: order.slice(cut).sort() };
}

interface Columns {
  readonly inputs: readonly Column[];
  readonly target: Column;
  readonly classes?: readonly string[];
  readonly weights?: Float32Array;
}

function columnsOf(given: OwnExamples, of: string, known?: readonly string[]): Columns {
  const { inputs, labels, targets, weights } = given;
  if ((labels === undefined) === (targets === undefined)) {
    throw new TypeError(
      `${of} takes either labels, for classification, or targets, for regression: it is given ${labels === undefined ? 'neither' : 'both'}`,
    );
  }
  const { column: target, classes } =
    labels === undefined
      ? { column: columnOf(targets as NonNullable<typeof targets>, `${of}: targets`) }
      : classesOf(labels, `${of}: labels`, known);
  const columns = inputColumns(inputs, of);
  const count = countOf(target, `${of}: ${labels === undefined ? 'targets' : 'labels'}`);
  columns.forEach((column, i) => {
    const name = `${of}: inputs${columns.length > 1 ? `[${i}]` : ''}`;
    const own = countOf(column, name);
    if (own === count) return;
    throw new DataError(
      `${name} are of ${own} examples, what is to be learned of ${count}: give one for each`,
    );
  });
  if (weights && weights.length !== count) {
    throw new DataError(
      `${of}: there are ${weights.length} weights for ${count} examples: give one for each`,
    );
  }
  return {
    ...{ inputs: columns, target },
    ...(classes && { classes }),
    ...(weights && { weights: Float32Array.from(weights) }),
  };
}

function inputColumns(inputs: OwnExamples['inputs'], of: string): readonly Column[] {
  if (isColumn(inputs)) return [checked(inputs, `${of}: inputs`)];
  assertArgument(
    Array.isArray(inputs),
    `${of}: inputs`,
    inputs,
    'rows of numbers, or columns { values, shape, type }',
  );
  const given = inputs as readonly (Column | ArrayLike<number>)[];
  if (given.length > 0 && given.every(isColumn)) {
    return given.map((column, i) => checked(column, `${of}: inputs[${i}]`));
  }
  return [rowsOf(inputs as readonly ArrayLike<number>[], `${of}: inputs`)];
}

function columnOf(numbers: NonNullable<OwnExamples['targets']>, of: string): Column {
  if (isColumn(numbers)) return checked(numbers, of);
  const list = numbers as ArrayLike<unknown>;
  assertArgument(
    typeof list?.length === 'number',
    of,
    numbers,
    'a number, or a row of them, for each example',
  );
  if (typeof list[0] === 'object') return rowsOf(numbers as readonly ArrayLike<number>[], of);
  const values = Float32Array.from(numbers as ArrayLike<number>);
  values.forEach((value, i) => assertNumber(value, (numbers as ArrayLike<number>)[i], `${of}[${i}]`));
  // A number of its own is an output of its own.
  return { shape: [1], type: 'float32', values };
}

function rowsOf(rows: readonly ArrayLike<number>[], of: string): Column {
  const length = rows[0]?.length ?? 0;
  const values = new Float32Array(rows.length * length);
  rows.forEach((row, i) => {
    if (row?.length !== length) {
      throw new DataError(
        `${of}[${i}] has ${row?.length ?? 'no'} numbers, the first has ${length}: make them alike`,
      );
    }
    for (let j = 0; j < length; j++) {
      values[i * length + j] = row[j] as number;
      assertNumber(row[j] as number, row[j], `${of}[${i}][${j}]`);
    }
  });
  return { shape: [length], type: 'float32', values };
}

function assertNumber(value: number, given: unknown, of: string): void {
  if (typeof given === 'number' && Number.isFinite(value)) return;
  throw new DataError(
    `${of} = ${String(given)}, and is to be a finite number: mend it or leave the example out`,
  );
}

/** A class index beyond these is a slip of the pen. */
const MOST_CLASSES = 1_000_000;

/** Class indices, and the names; of names, in the order of the alphabet. */
function classesOf(
  labels: NonNullable<OwnExamples['labels']>,
  of: string,
  known?: readonly string[],
): { column: Column; classes: readonly string[] } {
  const given = Array.from(labels as ArrayLike<string | number>);
  const named = given.some((label) => typeof label === 'string');
  const highest = given.reduce<number>(
    (max, label) => (Number.isSafeInteger(label) ? Math.max(max, Number(label)) : max),
    0,
  );
  const classes =
    known ??
    (named
      ? [...new Set(given.map(String))].sort()
      : Array.from({ length: Math.min(highest, MOST_CLASSES) + 1 }, (_, i) => String(i)));
  const indices = new Map(classes.map((name, i) => [name, i]));
  const values = Int32Array.from(given, (label, i) => {
    const index = indices.get(String(label));
    if (index !== undefined && (named || Number.isInteger(label))) return index;
    throw new DataError(
      `${of}[${i}] = ${String(label)}, and is to be ${known ? `one of the classes ${known.join(', ')}` : 'a name, or a whole number from 0'}`,
    );
  });
  return { column: { shape: [], type: 'int32', values }, classes };
}

function isColumn(value: unknown): value is Column {
  return (
    typeof value === 'object' &&
    value !== null &&
    'values' in value &&
    'shape' in value &&
    typeof (value as { values: unknown }).values !== 'function'
  );
}

function checked(column: Column, of: string): Column {
  assertFields(column, ['values', 'shape', 'type'], of);
  const { values, shape, type } = column;
  const Kind = type === 'int32' ? Int32Array : Float32Array;
  assertArgument(type === 'int32' || type === 'float32', `${of}: type`, type, "'float32' or 'int32'");
  assertArgument(
    values instanceof Kind,
    `${of}: values`,
    values,
    type === 'int32' ? 'an Int32Array' : 'a Float32Array',
  );
  const isShape = Array.isArray(shape) && shape.every((length) => isWhole(length, 1));
  assertArgument(
    isShape,
    `${of}: shape`,
    shape,
    "the shape of one example's: [] or whole numbers of at least 1",
  );
  return column;
}

function countOf(column: Column, of: string): number {
  const count = column.values.length / sizeOf(column);
  if (Number.isInteger(count) && count > 0) return count;
  throw new DataError(
    `${of}: ${column.values.length} numbers are no examples of the shape [${column.shape.join(', ')}]: give whole ones, and one at least`,
  );
}

function digestOf(
  { testShare, seed }: ArraysSettings,
  columns: readonly Column[],
  { test }: Pick<DataSet, 'test'>,
  weights: Float32Array | undefined,
): string {
  const hash = sha256.create();
  const add = ({ buffer, byteOffset, byteLength }: Values) =>
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  hash.update(
    utf8ToBytes(
      JSON.stringify([columns.map(({ shape, type }) => [shape, type]), testShare, seed, weights?.length]),
    ),
  );
  for (const { values } of columns) add(values);
  if (weights) add(weights);
  const all = test.gather(Int32Array.from({ length: test.count }, (_, i) => i));
  if (!(all instanceof Promise)) {
    for (const values of [...all.inputs, all.targets, ...(all.weights ? [all.weights] : [])]) add(values);
  }
  return bytesToHex(hash.digest()).slice(0, 16);
}
