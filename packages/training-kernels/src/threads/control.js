// The words through which the threads of a team agree, in an Int32Array that they share.

/** Number of the round: a thread works when it changes. */
export const ROUND = 0;
/** Threads that have not finished the round. */
export const LEFT = 1;
/** 1 once a thread has failed. */
export const FAILED = 2;
/** Which of the kernels the round is of. */
export const KERNEL = 3;

/** Exports of assembly/index.ts that threads call, each for its part. */
export const KERNELS = /** @type {const} */ ([
  'multiplyMatrices',
  'convolution',
  'convInputGradient',
  'convFilterGradient',
]);

/** More arguments than any of them has. */
export const ARGUMENTS = 32;

const FIRST = 16;

/**
 * The word at which the arguments of a thread begin.
 * @param {number} index
 */
export function argumentsAt(index) {
  return FIRST + ARGUMENTS * index;
}
