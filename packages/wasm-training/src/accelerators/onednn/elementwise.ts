// What is done number by number, as oneDNN's binary primitives.

import type { ElementwiseOperation } from '../accelerator.js';
import type { AddressOf } from '../native/addresses.js';
import { ARGUMENT, type OneDnnApi } from './api.js';
import { StatusError, type Address } from './calls.js';
import type { BinaryOperation } from './describe-passes.js';
import type { KeptPrimitives } from './kept.js';
import { readyPass, type ReadyPass } from './passes.js';

/** Whether the library computed it. */
export type Elementwise = (
  operation: ElementwiseOperation,
  size: number,
  operands: readonly [a: Address, b: Address, result: Address],
) => boolean;

/** An operation with 0, and another of that with the second operand. */
interface Compared {
  readonly withZero: BinaryOperation;
  readonly then: BinaryOperation;
}

/**
 * ReLU and its gradient. The library's own ReLU makes 0 of NaN, and so does the greater of NaN and 0; but of the greater of
 * that and x itself, where one of them is NaN, it gives the second.
 */
const RELU: Compared = { withZero: 'max', then: 'max' };
const RELU_GRADIENT: Compared = { withZero: 'isGreater', then: 'multiply' };

/** The number, as an argument, of what the second operation takes: it has changed within version 3. */
const NUMBERS_AFTER = [2 ** 15 + ARGUMENT.second, 2 ** 14 + ARGUMENT.second];

/** @param workspace the address of so many bytes, until the next call */
export function elementwiseBy(
  api: OneDnnApi,
  addressOf: AddressOf,
  workspace: (bytes: number) => Address,
  kept: KeptPrimitives,
): Elementwise {
  const { buffer: zeros } = new Float32Array(1);
  const numberAfter = NUMBERS_AFTER.find((number) => {
    const relu = compared(api, TRIED.length, RELU, number);
    try {
      return isRelu(addressOf, (from, to) => relu?.run([from, addressOf(zeros), from, to], workspace));
    } finally {
      relu?.release();
    }
  });
  return (operation, size, [a, b, result]) => {
    if (operation !== 'add' && numberAfter === undefined) return false;
    const ready = kept.find(`${operation} ${size}`, () => {
      if (operation === 'add') return addition(api, size);
      return compared(api, size, operation === 'relu' ? RELU : RELU_GRADIENT, numberAfter!);
    });
    const addresses = operation === 'add' ? [a, b, result] : [b, addressOf(zeros), a, result];
    ready?.run(addresses, workspace);
    return ready !== null;
  };
}

/** Of a, b, the result. */
function addition(api: OneDnnApi, size: number): ReadyPass | null {
  const layout = api.layout([size], [1]);
  const description = api.passes.binary('add', layout, layout);
  return readyOf(
    api,
    description,
    [layout],
    [
      [ARGUMENT.images, layout],
      [ARGUMENT.second, layout],
      [ARGUMENT.result, layout],
    ],
  );
}

/** Of what is compared, a zero, what follows, the result. */
function compared(
  api: OneDnnApi,
  size: number,
  { withZero, then }: Compared,
  numberAfter: number,
): ReadyPass | null {
  const layout = api.layout([size], [1]);
  const one = api.layout([1], [1]);
  const description = api.passes.binary(withZero, layout, one, { operation: then, c: layout });
  return readyOf(
    api,
    description,
    [layout, one],
    [
      [ARGUMENT.images, layout],
      [ARGUMENT.second, one],
      [numberAfter, layout],
      [ARGUMENT.result, layout],
    ],
  );
}

/** The primitive, or null where the library has none but its slow code of the last resort. */
function readyOf(
  api: OneDnnApi,
  description: Address | null,
  layouts: readonly Address[],
  tensors: Parameters<typeof readyPass>[2],
): ReadyPass | null {
  try {
    if (description === null || api.codeOf(description).startsWith('ref')) return null;
    return readyPass(api, description, tensors);
  } finally {
    api.release({ layouts, descriptions: description === null ? [] : [description] });
  }
}

/** As many as fill vectors of 16, and some that are left. */
const TRIED = Float32Array.from({ length: 37 }, (_, i) => [NaN, -Infinity, Infinity, -1, 2][i % 5]!);

/** Whether ReLU comes out right; the library refuses an argument with a number that it does not know. */
function isRelu(addressOf: AddressOf, run: (from: Address, to: Address) => void): boolean {
  const result = new Float32Array(TRIED.length);
  try {
    run(addressOf(TRIED.buffer), addressOf(result.buffer));
  } catch (error) {
    if (error instanceof StatusError) return false;
    throw error;
  }
  return result.every((value, i) => Object.is(value, TRIED[i]! <= 0 ? 0 : TRIED[i]!));
}
