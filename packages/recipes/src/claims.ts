/** What a comparison says of a recipe's claims. */
import { judge, valueIn, type Judged, type MeasureDescription, type Row } from '@espalier/experiment';

import type { Claim, Side } from './recipe.js';

export interface ClaimResult extends Judged {
  readonly id: string;
  readonly statement: string;
  /** The measure that it is about, by its key. */
  readonly measure: string;
  /** What the paper saw, in words. */
  readonly paper?: string;
  /** How many seeds there are: a pair is missing where a side diverged, and then the claim is undecided. */
  readonly asked: number;
  /** The paired differences by seed, above zero where the claim is right. */
  readonly differences: readonly { readonly seed: number; readonly difference: number }[];
}

/**
 * Each claim by the paired differences over seeds, averaged over its targets; all of them judged together. A claim of
 * which a side diverged for some seed is undecided: the seeds that are left are those that went well.
 *
 * @param rows of which a strategy is called as the entrant is
 */
export function judgeClaims(
  claims: readonly Claim[],
  rows: readonly Row[],
  measure: MeasureDescription,
): ClaimResult[] {
  const differences = claims.map((claim) => differencesOf(claim, rows, measure));
  const judged = judge(differences.map((ofClaim) => ofClaim.map(({ difference }) => difference)));
  const asked = new Set(rows.map(({ seed }) => seed)).size;
  return claims.map(({ id, statement, paper }, i) => ({
    ...{ id, statement, measure: measure.key },
    ...(paper !== undefined && { paper }),
    ...judged[i]!,
    ...(differences[i]!.length < asked && { verdict: 'undecided' as const }),
    asked,
    differences: differences[i]!,
  }));
}

/** Of the seeds of which every target has a value on both sides. */
function differencesOf(
  { better, than }: Claim,
  rows: readonly Row[],
  measure: MeasureDescription,
): ClaimResult['differences'] {
  const sign = measure.better === 'lower' ? -1 : 1;
  const seeds = [...new Set(rows.map(({ seed }) => seed))].sort((a, b) => a - b);
  return seeds.flatMap((seed) => {
    const [a, b] = [better, than].map((side) =>
      rows.filter((row) => row.seed === seed && isOf(row, side)).map((row) => valueIn(row, measure)),
    ) as [(number | null)[], (number | null)[]];
    const whole = a.length > 0 && a.length === b.length && !a.includes(null) && !b.includes(null);
    if (!whole) return [];
    const mean = (values: readonly (number | null)[]) =>
      (values as number[]).reduce((sum, value) => sum + value, 0) / values.length;
    return [{ seed, difference: sign * (mean(a) - mean(b)) }];
  });
}

function isOf({ pruner, sparsity, blockShape }: Row, side: Side): boolean {
  return (
    pruner === side.entrant &&
    (side.sparsity === undefined || side.sparsity === sparsity) &&
    (side.blockShape === undefined || side.blockShape.join() === blockShape.join())
  );
}
