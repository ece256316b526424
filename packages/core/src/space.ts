/**
 * What of a strategy's settings there is to choose: a strategy is made by a factory, and the factory declares the names
 * of its settings, their ranges and the scale on which values are drawn. `espalier tune` looks there.
 */
import {
  anObject,
  assertArgument,
  assertOptions,
  aFunction,
  describeValue,
  numberIn,
  trueOrFalse,
} from '@espalier/blocks';

import type { Pruner } from './pruner.js';

/** Numbers from `low` to `high`, both included. */
export interface NumberRange {
  readonly low: number;
  readonly high: number;
  /** Whether ratios count and not differences: a value is drawn evenly in its logarithm. */
  readonly logarithmic: boolean;
  readonly whole: boolean;
}

/** One of several values. */
export interface SettingChoice {
  readonly values: readonly (string | number | boolean)[];
}

export type SettingRange = NumberRange | SettingChoice;

/** By the settings' names. */
export type SettingsSpace = Readonly<Record<string, SettingRange>>;

/** A factory of a strategy that says what of it there is to choose. */
export type Tunable<Factory> = Factory & { readonly space: SettingsSpace };

const aNumber = numberIn('(-∞, ∞)');

/**
 * Numbers from `low` to `high`.
 *
 * @throws RangeError for bounds in the wrong order, or a logarithmic range that does not begin above zero
 */
export function between(
  low: number,
  high: number,
  options: { readonly logarithmic?: boolean; readonly whole?: boolean } = {},
): NumberRange {
  assertArgument('between()', 'low', low, aNumber);
  assertArgument('between()', 'high', high, aNumber);
  assertOptions('between()', options, { logarithmic: trueOrFalse, whole: trueOrFalse });
  const { logarithmic = false, whole = false } = options;
  if (!(low < high)) throw new RangeError(`between(): low = ${low} is not under high = ${high}`);
  if (logarithmic && !(low > 0)) {
    throw new RangeError(`between(): low = ${low} of a logarithmic range, which begins above 0`);
  }
  if (whole && !(Number.isInteger(low) && Number.isInteger(high))) {
    throw new RangeError(`between(): ${low} to ${high} are not the bounds of whole numbers`);
  }
  return { low, high, logarithmic, whole };
}

/** @throws RangeError for fewer than two values, or one that is there twice */
export function choiceOf(...values: readonly (string | number | boolean)[]): SettingChoice {
  if (new Set(values).size < Math.max(values.length, 2)) {
    throw new RangeError(`choiceOf(${values.join(', ')}): give two values or more, each once`);
  }
  return { values };
}

/**
 * The factory, with what of its settings there is to choose. Every point of the space must make a strategy.
 *
 * @param space by the names of the factory's settings
 * @throws TypeError for what is no factory or no space
 */
export function tunable<Factory extends (settings?: never) => Pruner>(
  factory: Factory,
  space: SettingsSpace,
): Tunable<Factory> {
  assertArgument(
    'tunable()',
    'factory',
    factory,
    aFunction('a function that makes a strategy of its settings'),
  );
  assertSpace('tunable()', space);
  return Object.assign(factory, { space });
}

/** The space that a module's factory declares; empty of one that declares none, or of a strategy itself. */
export function spaceOf(factory: unknown): SettingsSpace {
  const { space } = typeof factory === 'function' ? (factory as Partial<Tunable<object>>) : {};
  if (space === undefined) return {};
  assertSpace('spaceOf()', space);
  return space;
}

const aSpace = anObject("ranges by the settings' names, { dense: between(0.1, 0.6) }");

function assertSpace(of: string, space: unknown): asserts space is SettingsSpace {
  assertArgument(of, 'space', space, aSpace);
  for (const [name, range] of Object.entries(space as SettingsSpace)) {
    assertRange(`${of}: the range of ${name}`, range);
  }
}

/** As `between` and `choiceOf` make them. */
function assertRange(what: string, range: unknown): void {
  const { values, low, high, ...options } = (range ?? {}) as Partial<NumberRange & SettingChoice>;
  if (Array.isArray(values)) choiceOf(...values);
  else if (typeof low === 'number' && typeof high === 'number') between(low, high, options);
  else throw new TypeError(`${what} is ${describeValue(range)}: take between() or choiceOf()`);
}
