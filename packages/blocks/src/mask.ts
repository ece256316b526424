/**
 * A mask says of each block whether it is kept. It is kept per block, never per weight, as bytes on the
 * JavaScript side: it changes rarely, and every choice of blocks is made here, by pure functions.
 */

/** One byte a block, row by row: 1 kept, 0 pruned. */
export type BlockMask = Uint8Array;

/** The mask that keeps every one of `blocks` blocks. */
export function keepAll(blocks: number): BlockMask {
  return new Uint8Array(blocks).fill(1);
}

/** How many blocks the mask keeps. */
export function keptBlocks(mask: BlockMask): number {
  let kept = 0;
  for (const bit of mask) kept += bit;
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
 * @throws DivergedError when a candidate's score is NaN.
 */
export function topK(scores: ArrayLike<number>, k: number, candidates?: BlockMask): BlockMask {
  if (!Number.isInteger(k) || k < 0)
    throw new RangeError(`topK: k = ${k} is not a whole number of at least 0`);
  const order: number[] = [];
  for (let block = 0; block < scores.length; block++) {
    if (candidates && !candidates[block]) continue;
    if (Number.isNaN(scores[block])) throw new DivergedError(`The importance score of block ${block} is NaN`);
    order.push(block);
  }
  const score = (block: number) => scores[block] as number;
  // Compared, not subtracted: ∞ − ∞ would be NaN.
  order.sort((a, b) => (score(a) === score(b) ? a - b : score(a) > score(b) ? -1 : 1));
  const mask = new Uint8Array(scores.length);
  for (const block of order.slice(0, k)) mask[block] = 1;
  return mask;
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
  candidates: BlockMask = mask.map((bit) => 1 - bit),
): BlockMask {
  const joining = topK(scores, Math.max(0, k - keptBlocks(mask)), candidates);
  return mask.map((bit, block) => bit | (joining[block] as number));
}
