/**
 * Arguments as they are to be, each a test and the words for it: a check and what an error says are one thing. A public
 * function has its arguments checked where it is called, so that what is wrong never becomes another one's internal error.
 */
import { describeValue } from './describe-value.js';
import { assertKnownOptions } from './known-options.js';

/** What an argument, or an option, is to be. */
export interface Expected {
  /** What `typeof` says of it: a value of another type is a TypeError, another number or word a RangeError. */
  readonly type: 'number' | 'string' | 'boolean' | 'function' | 'object';
  /** Whether a value is one; of whatever type. */
  readonly holds: (value: unknown) => boolean;
  /** The end of "and is to be …". */
  readonly words: string;
  /** Of an option: whether it has to be given. */
  readonly required?: boolean;
  /** Of a list: what each of its entries is to be. */
  readonly entries?: Expected;
}

/**
 * @param of the function, as an error is to call it: `gmp()`
 * @param name the argument's
 * @throws TypeError for a value of another type, RangeError for another number or word: `gmp(): start = 2, and is to be …`
 */
export function assertArgument(of: string, name: string, value: unknown, expected: Expected): void {
  const { type, holds, words, entries } = expected;
  if (!holds(value)) {
    const Refusal = typeof value === type && type !== 'object' ? RangeError : TypeError;
    throw new Refusal(
      `${of}: ${name} = ${describeValue(value)}, and is to be ${words}${wayOut(value, type)}`,
    );
  }
  if (!entries) return;
  const list = value as ArrayLike<unknown>;
  for (let i = 0; i < list.length; i++) assertArgument(of, `${name}[${i}]`, list[i], entries);
}

function wayOut(value: unknown, type: Expected['type']): string {
  if (isPromise(value)) return ': await it';
  return type === 'object' && typeof value === 'function' ? ': call it' : '';
}

function isPromise(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/**
 * @param of the function, as an error is to call it: `gmp()`
 * @param given the options as the caller gave them; those that are undefined count as left out
 * @param options what each that there is has to be
 * @throws TypeError where `given` is no object of options, or has one that there is not, with the nearest that there is;
 *   and what `assertArgument` throws
 */
export function assertOptions<Options extends object>(
  of: string,
  given: Options,
  options: Readonly<Record<keyof Options & string, Expected>>,
): void {
  assertKnownOptions(given, Object.keys(options), of);
  for (const [name, expected] of Object.entries<Expected>(options)) {
    const value = (given as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined || expected.required) assertArgument(of, name, value, expected);
  }
}

/** An option that has to be given. */
export function required(expected: Expected): Expected {
  return { ...expected, required: true };
}

/** A range as it is written: `[0, 1)` has 0 in it and 1 not; `(0, ∞)` is of finite numbers above 0. */
export type Interval = `${'[' | '('}${number | '∞' | '-∞'}, ${number | '∞' | '-∞'}${']' | ')'}`;

/** @param what it is, before the range: `a share of training` */
export function numberIn(interval: Interval, what?: string): Expected {
  const [low, high] = interval.slice(1, -1).split(', ').map(boundOf) as [number, number];
  const [withLow, withHigh] = [interval.startsWith('['), interval.endsWith(']')];
  return {
    type: 'number',
    holds: (value) =>
      typeof value === 'number' &&
      (value > low || (withLow && value === low)) &&
      (value < high || (withHigh && value === high)),
    words: `${what ? `${what}, ` : ''}a number in ${interval}`,
  };
}

function boundOf(text: string): number {
  return Number(text.replace('∞', 'Infinity'));
}

/** @param what it is, before the range: `steps` */
export function wholeNumber(least = 1, most = Number.MAX_SAFE_INTEGER, what?: string): Expected {
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return {
    type: 'number',
    holds: (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
    words: `${what ? `${what}, ` : ''}a whole number ${range}`,
  };
}

export function oneOf(...words: readonly string[]): Expected {
  const quoted = words.map((word) => `'${word}'`);
  return {
    type: 'string',
    holds: (value) => typeof value === 'string' && words.includes(value),
    words: [quoted.slice(0, -1).join(', '), quoted.at(-1)].filter(Boolean).join(' or '),
  };
}

/** @param what in words, with its article */
export function aText(what: string): Expected {
  return { type: 'string', holds: (value) => typeof value === 'string', words: what };
}

export const trueOrFalse: Expected = {
  type: 'boolean',
  holds: (value) => typeof value === 'boolean',
  words: 'true or false',
};

/** @param what it is a function of, and an example: `a function of …: (name) => …` */
export function aFunction(what: string): Expected {
  return { type: 'function', holds: (value) => typeof value === 'function', words: what };
}

/**
 * @param what in words, with its article
 * @param fields that it has, and what `typeof` says of each
 */
export function anObject(what: string, fields: Readonly<Record<string, Expected['type']>> = {}): Expected {
  return {
    type: 'object',
    holds: (value) =>
      typeof value === 'object' &&
      value !== null &&
      !Array.isArray(value) &&
      !isPromise(value) &&
      Object.entries(fields).every(
        ([field, type]) => typeof (value as Record<string, unknown>)[field] === type,
      ),
    words: what,
  };
}

/** @param what in words, with its article: `a tf.LayersModel` */
export function anInstance(constructor: abstract new (...args: never[]) => unknown, what: string): Expected {
  return { type: 'object', holds: (value) => value instanceof constructor, words: what };
}

/** An array, or a typed one, of entries that are each as expected. */
export function listOf(entries: Expected, what: string): Expected {
  return {
    type: 'object',
    holds: (value) => Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView)),
    words: what,
    entries,
  };
}
