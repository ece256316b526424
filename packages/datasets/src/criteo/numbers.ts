/** What becomes of an integer. */
import { MISSING_INTEGER } from './parse.js';

/** The least number with a token of its own: what is smaller has its token. */
const LEAST = -3;
/** Those up to here have tokens of their own. */
const GREATEST = 2;
/** 0 is of what is missing. */
const FIRST = 1;

const last = GREATEST - LEAST + FIRST;

/** How many tokens an integer can become. */
export const NUMBER_TOKENS = last + Math.floor(Math.log(2 ** 31 - 1) ** 2) + 1;

/**
 * As the competition's winners cut them: ⌊ln(x)²⌋ of x above 2, and what is smaller by itself.
 *
 *     missing → 0;   x ≤ 2 → 4 + max(x, −3);   x > 2 → 6 + ⌊ln(x)²⌋
 */
export function numberToken(x: number): number {
  if (x === MISSING_INTEGER) return 0;
  return x <= GREATEST ? FIRST + Math.max(x, LEAST) - LEAST : last + Math.floor(Math.log(x) ** 2);
}

/** sign(x) ln(1 + |x|), and 0 of what is missing. */
export function numberLogarithm(x: number): number {
  return x === MISSING_INTEGER ? 0 : Math.sign(x) * Math.log1p(Math.abs(x));
}
