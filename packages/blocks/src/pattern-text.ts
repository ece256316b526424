/**
 * A pattern as text, for a layer's configuration in `model.json`.
 *
 * Pointers and indices become short strings of the digits `0`–`9` and `a`–`v`: tfjs rewrites whatever looks like
 * camel or snake case in a configuration, and leaves these alone. Each whole number is written in groups of four
 * bits, the lowest first, one digit a group; a digit of 16 or more says that another group follows. Pointers are
 * written as their differences (how many blocks each block row keeps), indices as the number of pruned blocks
 * before each kept one in its row. A kept block then costs one or two characters.
 */
import { assertPattern } from './assert-tensor.js';
import { BlockPattern } from './pattern.js';

/** What a compressed kernel's configuration holds under its field's name. */
export interface PatternText {
  matrixShape: [number, number];
  blockShape: [number, number];
  pointers: string;
  indices: string;
}

/** @throws TypeError for what is no pattern */
export function patternText(pattern: BlockPattern): PatternText {
  assertPattern(pattern);
  const { matrixShape, blockShape, pointers, indices } = pattern;
  const counts: number[] = [];
  const gaps: number[] = [];
  for (let row = 0; row + 1 < pointers.length; row++) {
    const [from, to] = [pointers[row]!, pointers[row + 1]!];
    counts.push(to - from);
    for (let at = from; at < to; at++) gaps.push(indices[at]! - (at === from ? 0 : indices[at - 1]! + 1));
  }
  return {
    matrixShape: [...matrixShape],
    blockShape: [...blockShape],
    pointers: digitsOf(counts),
    indices: digitsOf(gaps),
  };
}

/**
 * @param name what the pattern belongs to, for errors
 * @throws RangeError that says what is wrong with the text
 */
export function patternOfText(text: unknown, name: string): BlockPattern {
  try {
    const { matrixShape, blockShape, pointers, indices } = assertFields(text);
    const counts = numbersOf(pointers, 'pointers');
    const gaps = numbersOf(indices, 'indices');
    const rowEnds = runningSum(counts);
    return new BlockPattern({
      matrixShape,
      blockShape,
      pointers: [0, ...rowEnds],
      indices: indicesOf(gaps, counts),
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`The block pattern of ${name} is damaged: ${error.message}`, { cause: error });
  }
}

/** Within a row, each index from the one before and the gap between them. */
function indicesOf(gaps: readonly number[], counts: readonly number[]): number[] {
  const indices: number[] = [];
  for (const count of counts) {
    let next = 0;
    for (let i = 0; i < count && indices.length < gaps.length; i++) {
      const index = next + gaps[indices.length]!;
      indices.push(index);
      next = index + 1;
    }
  }
  if (indices.length < gaps.length) {
    throw new RangeError(`it has ${gaps.length} block indices, its pointers are of ${indices.length} blocks`);
  }
  return indices;
}

const BASE = 32;
const GROUP = 16;
/** More than any pattern that fits into memory has. */
const LARGEST = 2 ** 31;

function digitsOf(numbers: readonly number[]): string {
  let digits = '';
  for (const number of numbers) {
    let rest = number;
    for (; rest >= GROUP; rest = Math.floor(rest / GROUP)) digits += ((rest % GROUP) + GROUP).toString(BASE);
    digits += rest.toString(BASE);
  }
  return digits;
}

function numbersOf(digits: string, field: string): number[] {
  const numbers: number[] = [];
  let number = 0;
  let place = 1;
  for (let at = 0; at < digits.length; at++) {
    const digit = /[0-9a-v]/.test(digits[at]!) ? parseInt(digits[at]!, BASE) : NaN;
    if (Number.isNaN(digit)) throw new RangeError(`'${digits[at]}' in its ${field} is no digit from 0 to v`);
    number += (digit % GROUP) * place;
    place *= GROUP;
    if (number >= LARGEST || place > LARGEST * GROUP) {
      throw new RangeError(`its ${field} hold a number of ${LARGEST} or more`);
    }
    if (digit >= GROUP) continue;
    numbers.push(number);
    [number, place] = [0, 1];
  }
  if (place !== 1) throw new RangeError(`its ${field} end within a number`);
  return numbers;
}

function runningSum(numbers: readonly number[]): number[] {
  let sum = 0;
  return numbers.map((number) => (sum += number));
}

function assertFields(text: unknown): PatternText {
  const { matrixShape, blockShape, pointers, indices } = (text ?? {}) as Partial<PatternText>;
  assertSizes(matrixShape, 'matrixShape');
  assertSizes(blockShape, 'blockShape');
  if (typeof pointers !== 'string') throw new RangeError(`its pointers are ${describe(pointers)}, not text`);
  if (typeof indices !== 'string') throw new RangeError(`its indices are ${describe(indices)}, not text`);
  return { matrixShape, blockShape, pointers, indices };
}

function assertSizes(sizes: unknown, field: string): asserts sizes is [number, number] {
  const fit =
    Array.isArray(sizes) && sizes.length === 2 && sizes.every((size) => Number.isInteger(size) && size > 0);
  if (!fit) throw new RangeError(`its ${field} is ${describe(sizes)}, not two whole numbers of at least 1`);
}

function describe(value: unknown): string {
  return JSON.stringify(value) ?? 'missing';
}
