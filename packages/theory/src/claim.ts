/** One line of the table: something the theory claims, of one problem, and the two numbers it compares. */
export interface ClaimResult {
  /** The claim and its place in arXiv 2402.17902. */
  readonly claim: string;
  readonly problem: string;
  /** What the two sides are, for instance "minimum" or "minimiser, norm". */
  readonly quantity: string;
  readonly relation: '=' | '≤';
  /** Left and right are NaN where there is nothing to compare; then the claim does not hold. */
  readonly left: number;
  readonly right: number;
  /**
   * By how much the claim is missed: `|left − right|` for "=", `left − right` for "≤" (below 0: room to spare).
   * Where two vectors are compared, left and right are their norms and this is the norm of their difference.
   */
  readonly difference: number;
  /** The claim holds if the difference is at most this. */
  readonly tolerance: number;
  readonly holds: boolean;
}

type Sides = Pick<ClaimResult, 'claim' | 'problem' | 'quantity' | 'left' | 'right' | 'tolerance'>;

export function equal(sides: Sides, difference = Math.abs(sides.left - sides.right)): ClaimResult {
  return { ...sides, relation: '=', difference, holds: difference <= sides.tolerance };
}

export function atMost(sides: Sides): ClaimResult {
  const difference = sides.left - sides.right;
  return { ...sides, relation: '≤', difference, holds: difference <= sides.tolerance };
}
