/** What becomes of a category: a token of its field, from 0. */
import { frequentValues, mixed, ValueTable } from './values.js';

export interface CategoryTokens {
  /** How many tokens there are. */
  readonly size: number;
  /** Of a category that is there; 0 is the token of what is missing. */
  of(category: number): number;
}

export const MISSING_CATEGORY = 0;
const RARE = 1;
const FIRST = 2;

/** Each category has the token 1 + (its 32 bits mixed) mod buckets, whoever it shares it with. */
export function hashed(buckets: number): CategoryTokens {
  return { size: 1 + buckets, of: (category) => 1 + (mixed(category) % buckets) };
}

/**
 * Those that stand in the file so often have tokens of their own from 2 on, the most frequent first, and those of one
 * count by their size as numbers. All others share the token 1.
 */
export function vocabulary(counts: ValueTable, minimumCount: number): CategoryTokens {
  const values = frequentValues(counts, minimumCount);
  const tokens = new ValueTable();
  values.forEach((value, i) => tokens.set(value, FIRST + i));
  return { size: FIRST + values.length, of: (category) => tokens.get(category) || RARE };
}
