/** The theory of arXiv 2402.17902, run. */
export { checkTheory, type TheoryOptions } from './check-theory.js';
export type { ClaimResult } from './claim.js';
