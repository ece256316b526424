/** Choosing blocks: how many, and which; and how close the choices were. */

/** One for each block: 1 kept, 0 pruned. */
export type Mask = Uint8Array;

/** How close what was decided so far was. */
export class Closest {
  /** Between the last score that was kept and the first that was not, relative to the largest in size. */
  gap = Infinity;
  /** To a place where a function has no derivative. */
  kink = Infinity;

  note(gap: number): void {
    this.gap = Math.min(this.gap, gap);
  }

  noteKink(distance: number): void {
    this.kink = Math.min(this.kink, distance);
  }
}

export function everyBlock(blocks: number): Mask {
  return new Uint8Array(blocks).fill(1);
}

export function without(mask: Mask): Mask {
  return mask.map((bit) => 1 - bit);
}

export function both(one: Mask, other: Mask): Mask {
  return one.map((bit, block) => bit | other[block]);
}

export function count(mask: Mask): number {
  return mask.reduce((sum, bit) => sum + bit, 0);
}

/**
 * The `k` candidates of highest score, the earlier of equals. Scores that are equal to the last bit are equal by the
 * method (zeros, mostly), and no close choice.
 */
export function largest(scores: readonly number[], k: number, candidates: Mask, closest: Closest): Mask {
  const ranked = scores.map((_, block) => block).filter((block) => candidates[block]);
  ranked.sort((a, b) => scores[b] - scores[a] || a - b);
  const kept = new Uint8Array(scores.length);
  for (const block of ranked.slice(0, k)) kept[block] = 1;
  if (k > 0 && k < ranked.length) {
    const difference = scores[ranked[k - 1]] - scores[ranked[k]];
    const scale = Math.max(...ranked.map((block) => Math.abs(scores[block])));
    if (difference > 0) closest.note(difference / scale);
  }
  return kept;
}

/** The mask grown to `k` blocks by the candidates of highest score; by the next candidates where these are too few. */
export function grow(
  mask: Mask,
  k: number,
  orders: readonly (readonly [scores: readonly number[], candidates: Mask])[],
  closest: Closest,
): Mask {
  return orders.reduce((grown, [scores, candidates]) => {
    const left = candidates.map((bit, block) => bit & ~grown[block]);
    return both(grown, largest(scores, k - count(grown), left, closest));
  }, mask);
}

/** The `k` largest of scores that are exact, such as lots and counts: no choice of theirs is close. */
export function largestExact(
  scores: readonly number[],
  k: number,
  candidates: Mask = everyBlock(scores.length),
): Mask {
  return largest(scores, k, candidates, new Closest());
}

/** `max(1, round(G (1 − s)))` of the decimal number that `s` is written as; halves are rounded up. */
export function blocksToKeep(blocks: number, sparsity: number): number {
  if (sparsity < 1e-6) return blocks; // which is written with an exponent, and prunes none of so few
  const [whole, decimals = ''] = String(sparsity).split('.');
  const one = 10n ** BigInt(decimals.length);
  const left = BigInt(blocks) * (one - BigInt(whole + decimals));
  return Math.max(1, Number((2n * left + one) / (2n * one)));
}

/** What an allocation sees of a kernel. */
interface Share {
  readonly blocks: number;
  readonly shape: readonly number[];
  /** The scores of the blocks that may be kept. */
  readonly scores: readonly number[];
}

/** How many blocks each kernel keeps at a sparsity. */
export type Allocation = (kernels: readonly Share[], sparsity: number, closest: Closest) => number[];

export const uniform: Allocation = (kernels, sparsity) =>
  kernels.map(({ blocks }) => blocksToKeep(blocks, sparsity));

/** The highest scores of all kernels together, and of each its best. */
export const global: Allocation = (kernels, sparsity, closest) => {
  const total = kernels.reduce((sum, { blocks }) => sum + blocks, 0);
  const kept = kernels.map(() => 1);
  const others = kernels.flatMap(({ scores }, i) =>
    [...scores]
      .sort((a, b) => b - a)
      .slice(1)
      .map((score) => ({ score, i })),
  );
  const budget = Math.max(kernels.length, blocksToKeep(total, sparsity)) - kernels.length;
  const chosen = largest(
    others.map(({ score }) => score),
    budget,
    everyBlock(others.length),
    closest,
  );
  others.forEach(({ i }, place) => (kept[i] += chosen[place]));
  return kept;
};

/**
 * Erdős–Rényi kernel: the density of a kernel is `ε Σ dims / Π dims`, or 1 where that is more, with the ε that gives all
 * together the density asked for; found by bisection.
 */
export const erdosRenyiKernel: Allocation = (kernels, sparsity) => {
  const raw = kernels.map(({ shape }) => shape.reduce((a, b) => a + b) / shape.reduce((a, b) => a * b));
  const total = kernels.reduce((sum, { blocks }) => sum + blocks, 0);
  const densities = (epsilon: number) => raw.map((value) => Math.min(1, epsilon * value));
  const keptAt = (epsilon: number) =>
    densities(epsilon).reduce((sum, density, i) => sum + density * kernels[i].blocks, 0);
  let [low, high] = [0, 1 / Math.min(...raw)];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (keptAt(middle) < (1 - sparsity) * total) low = middle;
    else high = middle;
  }
  return densities(high).map((density, i) => Math.max(1, Math.round(density * kernels[i].blocks)));
};
