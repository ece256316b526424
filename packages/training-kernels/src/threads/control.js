// The words through which the threads of a team agree, in an Int32Array that they share.

/** Number of the round: a thread works when it changes. */
export const ROUND = 0;
/** Threads that have not finished the round. */
export const LEFT = 1;
/** 1 once a thread has failed. */
export const FAILED = 2;

/** Arguments of `multiplyMatrices` in assembly/gemm.ts. */
export const ARGUMENTS = 13;

const FIRST = 16;
const STRIDE = 16;

/**
 * The word at which the arguments of a thread begin.
 * @param {number} index
 */
export function argumentsAt(index) {
  return FIRST + STRIDE * index;
}
