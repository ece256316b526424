/** When things happen: shares of training laid on its steps, and the curves of gradual pruning. */

/** From step `start` up to, not including, step `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Spans of these shares of training, one after the other, each boundary at the nearest step. */
export function spans(shares: readonly number[], steps: number): Span[] {
  const boundaries = [0];
  let passed = 0;
  for (const share of shares) boundaries.push(Math.round((passed += share) * steps));
  return shares.map((_, i) => ({ start: boundaries[i], end: boundaries[i + 1] }));
}

/** How far through the span a step is, from 0 on. */
export function progress({ start, end }: Span, step: number): number {
  return (step - start) / (end - start);
}

export function within({ start, end }: Span, step: number): boolean {
  return step >= start && step < end;
}

/** The steps between two choices of a gradual pruning: about a hundredth of it. */
export function hundredth({ start, end }: Span): number {
  return Math.max(1, Math.round((end - start) / 100));
}

/** The share of the target sparsity, `1 − (1 − p)³` (arXiv 1710.01878). */
export const cubic = (p: number): number => 1 - (1 - p) ** 3;

/** The share of the target sparsity, `(1 − e^(−ct)) / (1 − e^(−c))` (arXiv 2402.17902 §3.2). */
export const exponential =
  (c: number) =>
  (t: number): number =>
    (1 - Math.exp(-c * t)) / (1 - Math.exp(-c));
