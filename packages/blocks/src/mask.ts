/**
 * A mask says of each block whether it is kept. It is kept per block, never per weight, as bytes on the
 * JavaScript side: it changes rarely, and every choice of blocks is made here, by pure functions.
 */
import { describeValue } from './describe-value.js';
import { kthLargest } from './kth-largest.js';

/** One byte a block, row by row: 1 kept, 0 pruned. */
export type BlockMask = Uint8Array;

/**
 * The mask that keeps every one of `blocks` blocks.
 *
 * @throws RangeError for what is no number of blocks
 */
export function keepAll(blocks: number): BlockMask {
  if (!Number.isInteger(blocks) || blocks < 0) {
    throw new RangeError(`keepAll: blocks = ${describeValue(blocks)} is not a whole number of at least 0`);
  }
  return new Uint8Array(blocks).fill(1);
}

/**
 * How many blocks the mask keeps.
 *
 * @throws TypeError for what is no mask
 */
export function keptBlocks(mask: BlockMask): number {
  assertMask(mask, 'mask');
  let kept = 0;
  let block = 0;
  while (block < mask.length && (mask.byteOffset + block) % 4 !== 0) kept += mask[block++]!;
  if (block === mask.length) return kept;
  // Four bytes at a time, each of which counts by itself as far as it goes.
  const words = new Uint32Array(mask.buffer, mask.byteOffset + block, (mask.length - block) >> 2);
  for (let word = 0; word < words.length;) {
    const end = Math.min(words.length, word + 255);
    let sums = 0;
    while (word < end) sums += words[word++]!;
    kept += (sums & 0xff) + ((sums >>> 8) & 0xff) + ((sums >>> 16) & 0xff) + (sums >>> 24);
  }
  for (block += 4 * words.length; block < mask.length; block++) kept += mask[block]!;
  return kept;
}

/**
 * Thrown when training has left the finite numbers, so that no choice of blocks means anything any more.
 */
export class DivergedError extends Error {
  override readonly name = 'DivergedError';
}

/**
 * The mask of the `k` highest scores among the candidates. Of equal scores the earlier block (row by row) is
 * kept, so that the choice is the same on every machine.
 *
 * @param scores one score a block
 * @param k how many to keep, from 0 to the number of candidates; more keeps every candidate
 * @param candidates which blocks may be kept; all, when absent
 * @throws DivergedError when a candidate's score is NaN; TypeError, RangeError for arguments of other types or lengths
 *
 * @example
 * ```ts
 * import { topK } from '@espalier/blocks';
 *
 * console.log(topK([2, 1, 2, 2], 2)); // Uint8Array(4) [ 1, 0, 1, 0 ]
 * ```
 */
export function topK(scores: ArrayLike<number>, k: number, candidates?: BlockMask): BlockMask {
  assertScores(scores);
  assertCount(k, 'topK');
  if (candidates !== undefined) assertMask(candidates, 'candidates', scores.length);
  if (candidates && keptBlocks(candidates) === scores.length) return topK(scores, k);
  const numbers = numbersOf(scores, candidates);
  if (k >= numbers.length) return candidates ? candidates.slice() : keepAll(scores.length);
  const mask = new Uint8Array(scores.length);
  if (k === 0) return mask;
  const { value, surplus } = kthLargest(numbers, k);
  for (let block = 0; block < mask.length; block++) mask[block] = +(scores[block]! >= value);
  if (candidates) for (let block = 0; block < mask.length; block++) mask[block]! &= candidates[block]!;
  for (let block = mask.length - 1, left = surplus; left > 0; block--) {
    if (mask[block] && scores[block] === value) left -= 1 - (mask[block] = 0);
  }
  return mask;
}

/** @throws TypeError for what is no mask, RangeError for one of another number of blocks */
export function assertMask(mask: BlockMask, name: string, blocks?: number): void {
  if (!(mask instanceof Uint8Array)) {
    throw new TypeError(`${name} is ${describeValue(mask)}, not a mask: a Uint8Array of 0 and 1`);
  }
  if (blocks === undefined || mask.length === blocks) return;
  throw new RangeError(`${name} is of ${mask.length} blocks, there are ${blocks}`);
}

function assertScores(scores: ArrayLike<number>): void {
  if (Array.isArray(scores) || ArrayBuffer.isView(scores)) return;
  throw new TypeError(`scores is ${describeValue(scores)}, not an array of one number a block`);
}

function assertCount(k: number, of: string): void {
  if (Number.isInteger(k) && k >= 0) return;
  throw new RangeError(`${of}: k = ${describeValue(k)} is not a whole number of at least 0`);
}

/**
 * The scores of the candidates, one after the other. What is of single precision stays so: it is told apart sooner.
 *
 * @throws DivergedError when one is NaN
 */
function numbersOf(scores: ArrayLike<number>, candidates?: BlockMask): Float32Array | Float64Array {
  for (let block = 0; block < scores.length; block++) {
    if (!Number.isNaN(scores[block]) || (candidates && !candidates[block])) continue;
    throw new DivergedError(`The importance score of block ${block} is NaN`);
  }
  const single = scores instanceof Float32Array;
  if (!candidates) return single ? scores : Float64Array.from(scores);
  const numbers = single ? new Float32Array(scores.length) : new Float64Array(scores.length);
  let count = 0;
  for (let block = 0; block < scores.length; block++) {
    numbers[count] = scores[block]!;
    count += candidates[block]!;
  }
  return numbers.subarray(0, count);
}

/**
 * The mask grown to `k` blocks by those of the highest scores; the mask itself, where it keeps as many already.
 *
 * @param candidates which blocks may join; all that the mask does not keep, when absent
 */
export function growMask(
  mask: BlockMask,
  scores: ArrayLike<number>,
  k: number,
  candidates?: BlockMask,
): BlockMask {
  assertScores(scores);
  assertMask(mask, 'mask', scores.length);
  assertCount(k, 'growMask');
  if (candidates !== undefined) assertMask(candidates, 'candidates', scores.length);
  const missing = k - keptBlocks(mask);
  if (missing <= 0) return mask.slice();
  const grown = topK(scores, missing, candidates === undefined ? complement(mask) : candidates);
  for (let block = 0; block < mask.length; block++) grown[block]! |= mask[block]!;
  return grown;
}

/** The mask that keeps what this one does not. */
export function complement(mask: BlockMask): BlockMask {
  const rest = new Uint8Array(mask.length);
  for (let block = 0; block < rest.length; block++) rest[block] = 1 - mask[block]!;
  return rest;
}
