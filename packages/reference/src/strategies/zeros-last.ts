/** Scores above zero as they are; those of zero after them, by another score. */
export function zerosLast(scores: readonly number[], others: readonly number[]): number[] {
  const largest = Math.max(...others, Number.MIN_VALUE);
  return scores.map((score, block) => (score > 0 ? score : others[block] / largest - 2));
}
