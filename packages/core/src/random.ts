/** Randomness from a seed: the same numbers on every machine and backend. Not for secrets. */

import { assertArgument, describeValue, wholeNumber } from '@espalier/blocks';

/** What a seed is to be, as an argument. */
export const aSeed = wholeNumber(0, 2 ** 32 - 1);

/** @throws RangeError unless the seed is a whole number from 0 to 2³² − 1. */
export function assertSeed(seed: number): void {
  if (aSeed.holds(seed)) return;
  throw new RangeError(`seed = ${describeValue(seed)} is not ${aSeed.words}`);
}

/**
 * A seed of its own for each purpose: for one kernel of many, for one draw of several.
 *
 * @param purpose whole numbers that tell the purpose, such as the kernel's index and the round
 * @returns from 1 to 2³² − 1, as tfjs takes a seed of 0 for none
 * @throws RangeError or TypeError for a seed that is none, or a purpose that is no whole number
 */
export function deriveSeed(seed: number, ...purpose: number[]): number {
  assertArgument('deriveSeed()', 'seed', seed, aSeed);
  for (const part of purpose) assertArgument('deriveSeed()', 'purpose', part, wholeNumber(0));
  return purpose.reduce((mixed, part) => mix(Math.imul(mixed, 0x9e3779b1) ^ part), mix(seed)) || 1;
}

/** `count` numbers from 0 and under 1 (mulberry32). */
export function randomNumbers(count: number, seed: number): Float64Array {
  assertArgument('randomNumbers()', 'count', count, wholeNumber(0));
  assertArgument('randomNumbers()', 'seed', seed, aSeed);
  let state = seed >>> 0;
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    numbers[i] = ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  return numbers;
}

/** Every bit of the result depends on every bit of the input (the finaliser of MurmurHash3). */
function mix(value: number): number {
  let h = (value + 0x9e3779b9) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
