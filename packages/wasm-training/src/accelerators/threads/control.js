// The words through which the threads of a team agree, in an Int32Array that they share.

/** Number of the round: a thread works when it changes. */
export const ROUND = 0;
/** How many threads have not finished the round. */
export const UNFINISHED = 1;
/** What became of a thread that failed, one of the three below. */
export const FAILURE = 2;
/** Which of the kernels the round is of. */
export const KERNEL = 3;

/** Exports of assembly/index.ts that threads call, each for its part. */
export const KERNELS = /** @type {const} */ ([
  'multiplyMatrices',
  'convolution',
  'convInputGradient',
  'convFilterGradient',
  'winogradConvolution',
  'winogradFilterGradient',
]);

/** More arguments than any of them has. */
export const ARGUMENTS = 32;

export const NO_FAILURE = 0;
/** Its part of the work trapped. */
export const TRAPPED = 1;
/** It ended, or has given no sign for long. */
export const LOST = 2;

const FIRST = 16;

/**
 * The word at which the arguments of a thread begin.
 * @param {number} index
 */
export function argumentsAt(index) {
  return FIRST + ARGUMENTS * index;
}
