/**
 * The masks that a search chose, kernel by kernel, in bits: what pictures of them are drawn from. They are kept beside
 * a trial's result, and are no part of what a trial is.
 */
import { assertArgument, wholeNumber, type Expected, type Shape2D } from '@espalier/core';

/** A mask in base64, eight blocks a byte, row by row of the grid, the first block in the lowest bit. */
export type MaskBits = string;

export interface MaskedKernel {
  /** `layer/weight`. */
  readonly name: string;
  readonly blockShape: Shape2D;
  /** Blocks down and across. */
  readonly gridShape: Shape2D;
  /** The blocks with a weight of the true support, where the workload knows the truth. */
  readonly truth?: MaskBits;
}

/** What one choice kept. */
export interface ChosenMasks {
  /** Which of the trial's choices it was, from 0. */
  readonly choice: number;
  /** From which step on it trains. */
  readonly step: number;
  /** Kernel by kernel. */
  readonly kept: readonly MaskBits[];
}

export interface MaskRecord {
  readonly kernels: readonly MaskedKernel[];
  /** How many choices pruned. */
  readonly made: number;
  /** The first of them, the last, and of those between as many as there is room for, evenly. */
  readonly choices: readonly ChosenMasks[];
  /** The blocks of the final model that hold anything but zeros; null where training diverged. */
  readonly final: readonly MaskBits[] | null;
}

/** What is kept of a trial's choices is at most so large, in bytes before base64, but for the first and the last. */
const MOST_BYTES = 2 ** 20;
/** And at most so many. */
const MOST_CHOICES = 64;

const aMask: Expected = {
  type: 'object',
  holds: (value) => value instanceof Uint8Array,
  words: 'a mask: a Uint8Array of 0 and 1',
};
const bits: Expected = {
  type: 'string',
  holds: (value) => typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value),
  words: 'bits in base64',
};

/** @throws TypeError for what is no mask */
export function packMask(mask: Uint8Array): MaskBits {
  assertArgument('packMask()', 'mask', mask, aMask);
  const bytes = new Uint8Array(Math.ceil(mask.length / 8));
  mask.forEach((bit, block) => {
    if (bit) bytes[block >> 3]! |= 1 << (block & 7);
  });
  let text = '';
  // In pieces: a call takes only so many arguments.
  for (let start = 0; start < bytes.length; start += 8192) {
    text += String.fromCharCode(...bytes.subarray(start, start + 8192));
  }
  return btoa(text);
}

/**
 * @param blocks how many there are
 * @returns one byte a block: 1 kept, 0 pruned
 * @throws RangeError for bits of another number of blocks, TypeError for what are none
 */
export function unpackMask(packed: MaskBits, blocks: number): Uint8Array {
  assertArgument('unpackMask()', 'packed', packed, bits);
  assertArgument('unpackMask()', 'blocks', blocks, wholeNumber(0));
  const text = atob(packed);
  if (text.length !== Math.ceil(blocks / 8)) {
    throw new RangeError(
      `unpackMask(): ${text.length} bytes are not the bits of ${blocks} blocks, which take ${Math.ceil(blocks / 8)}`,
    );
  }
  return Uint8Array.from({ length: blocks }, (_, block) => (text.charCodeAt(block >> 3) >> (block & 7)) & 1);
}

/**
 * The choices that are kept once one more was made: the latest, and every so many of those before, so that a search
 * of many choices is seen from its beginning to its end.
 *
 * @param before what was kept so far, by this function
 */
export function withChoice(
  before: readonly ChosenMasks[],
  latest: ChosenMasks,
  blocks: number,
): ChosenMasks[] {
  const room = Math.max(2, Math.min(MOST_CHOICES, Math.floor(MOST_BYTES / Math.ceil(blocks / 8))));
  let every = 1;
  while (Math.ceil(latest.choice / every) > room - 1) every *= 2;
  return [...before.filter(({ choice }) => choice % every === 0), latest];
}
