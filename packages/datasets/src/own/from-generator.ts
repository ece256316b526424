/** A data set of one's own, from a generator: its examples are gathered once, and lie in memory. */
import { assertArgument, assertFields } from '../arguments.js';
import { DataError } from '../data-error.js';
import { sizeOf, type DataSet } from '../examples.js';
import { fromArrays, type OwnSplit } from './from-arrays.js';

/** One example. */
export interface OwnExample {
  readonly input: ArrayLike<number>;
  /** Its class, by name or by index from 0. Either this or `target`. */
  readonly label?: string | number;
  /** The numbers that are to be predicted. */
  readonly target?: number | ArrayLike<number>;
  readonly weight?: number;
}

export interface GeneratorSettings extends OwnSplit {
  /** Of one example's input; a flat row when absent. */
  readonly inputShape?: readonly number[];
}

/**
 * @param generate makes the examples, all of them: a function*, or an async one
 * @throws what it throws
 * @throws DataError, by the example, for one that is not like the others
 */
export async function fromGenerator(
  generate: () => Iterable<OwnExample> | AsyncIterable<OwnExample>,
  settings: GeneratorSettings = {},
): Promise<DataSet> {
  const of = 'fromGenerator()';
  assertArgument(typeof generate === 'function', `${of}: generate`, generate, 'a function* of examples');
  assertFields(settings, ['inputShape', 'testShare', 'seed'], `${of}: settings`);
  const examples: OwnExample[] = [];
  for await (const example of generate()) {
    assertFields(example, ['input', 'label', 'target', 'weight'], `${of}: example ${examples.length}`);
    examples.push(example);
  }
  const [first] = examples;
  if (!first) throw new DataError(`${of}: the generator made no example`);
  const all = <Key extends keyof OwnExample>(key: Key) =>
    examples.map((example, i) => {
      const value = example[key];
      if (value !== undefined) return value;
      throw new DataError(`${of}: example ${i} has no ${key}, others have one: make them alike`);
    });
  if (first.label !== undefined && examples.some(({ target }) => target !== undefined)) {
    throw new DataError(`${of}: examples have labels and targets: give one of them`);
  }
  const rows = all('input') as ArrayLike<number>[];
  const { inputShape = [rows[0]?.length ?? 0], ...split } = settings;
  const size = sizeOf({ shape: inputShape });
  const wrong = rows.findIndex(({ length }) => length !== size);
  if (wrong >= 0) {
    throw new DataError(
      `${of}: the input of example ${wrong} has ${rows[wrong]?.length} numbers, where [${inputShape.join(', ')}] makes ${size}`,
    );
  }
  const values = new Float32Array(rows.length * size);
  rows.forEach((row, i) => values.set(row, i * size));
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new DataError(
      `${of}: an input of example ${Math.floor(bad / size)} is ${values[bad]}: mend it or leave it out`,
    );
  }
  return fromArrays({
    inputs: { values, shape: inputShape, type: 'float32' },
    ...(first.label !== undefined
      ? { labels: all('label') as string[] | number[] }
      : { targets: all('target') as ArrayLike<number>[] | number[] }),
    ...(examples.some(({ weight }) => weight !== undefined) && { weights: all('weight') }),
    ...split,
  });
}
