/**
 * Allocation: how a budget of blocks is shared over the layers.
 *
 * An allocation is asked each time a mask is chosen: for a sparsity (that of the moment, under a gradual
 * schedule) it says how many blocks each layer keeps.
 */
import { type BlockGrid, DivergedError, keepAll, keptBlocks, topK } from '@espalier/blocks';

/** What an allocation sees of a layer. */
export interface AllocationLayer {
  readonly grid: BlockGrid;
  /** The kernel's own shape, before it became a matrix. */
  readonly kernelShape: readonly number[];
  /** One score a block; −Infinity for a block that may not be kept. */
  readonly scores: ArrayLike<number>;
}

export interface Allocation {
  readonly name: string;
  /** How many blocks each layer keeps at this sparsity, at least one. */
  keep(layers: readonly AllocationLayer[], sparsity: number): number[];
  /**
   * The density that it gives each layer at this sparsity before that is rounded to whole blocks, above 0 and at most 1;
   * the share of its blocks that `keep` keeps, when absent.
   */
  densities?(layers: readonly AllocationLayer[], sparsity: number): number[];
  /** Whether `keep` looks at the scores. Where it does not, scores need not be read to know the counts. */
  readonly byScore: boolean;
}

/** More than a double is off by in `1 − s`, and than the product of that is for each block. */
const ROUNDING = 2 ** -51;

/**
 * `k = max(1, round(G · (1 − s)))` (arXiv 2402.17902 §4.1), halves up, of the sparsity that is written: of 15
 * blocks at 0.9 that is 2, though in doubles `15 · (1 − 0.9)` is less than 1.5. Exact for decimals of six digits and
 * fewer than 10⁸ blocks.
 *
 * @example
 * ```ts
 * import { blocksToKeep } from '@espalier/core';
 *
 * console.log(blocksToKeep(15, 0.9), blocksToKeep(64, 0.9), blocksToKeep(4, 0.99)); // 2 6 1
 * ```
 */
export function blocksToKeep(blocks: number, sparsity: number): number {
  return Math.max(1, Math.round(blocks * (1 - sparsity) + blocks * ROUNDING));
}

/** Every layer to the same sparsity, as in the paper: a global choice can erase whole layers. */
export const uniform: Allocation = {
  name: 'uniform',
  byScore: false,
  keep: (layers, sparsity) => layers.map(({ grid }) => blocksToKeep(grid.blocks, sparsity)),
  densities: (layers, sparsity) => layers.map(() => 1 - sparsity),
};

/** The highest scores of all layers together; every layer keeps at least one block. */
export const global: Allocation = {
  name: 'global',
  byScore: true,
  keep(layers, sparsity) {
    const total = layers.reduce((sum, { grid }) => sum + grid.blocks, 0);
    const budget = Math.max(layers.length, blocksToKeep(total, sparsity));
    const best = layers.map(({ scores }) => firstLargest(scores));
    if (budget === total) return layers.map(({ grid }) => grid.blocks);
    const single = layers.every(({ scores }) => scores instanceof Float32Array);
    const all = single ? new Float32Array(total) : new Float64Array(total);
    const others = keepAll(total);
    let start = 0;
    layers.forEach(({ scores }, layer) => {
      all.set(scores, start);
      others[start + best[layer]!] = 0;
      start += scores.length;
    });
    const chosen = topK(all, budget - layers.length, others);
    let end = 0;
    return layers.map(({ grid }) => 1 + keptBlocks(chosen.subarray(end, (end += grid.blocks))));
  },
};

/**
 * Where the largest score is, the first among equals.
 *
 * @throws DivergedError when one is NaN
 */
function firstLargest(scores: ArrayLike<number>): number {
  let best = 0;
  for (let block = 0; block < scores.length; block++) {
    if (Number.isNaN(scores[block])) throw new DivergedError(`The importance score of block ${block} is NaN`);
    if (scores[block]! > scores[best]!) best = block;
  }
  return best;
}

/**
 * Erdős–Rényi kernel: a layer's density is proportional to `Σ dims / Π dims`, scaled so that the total
 * matches; a layer whose density would pass 1 becomes dense and the rest is rescaled (Evci et al., arXiv
 * 1911.11134 §3).
 */
export const erdosRenyiKernel: Allocation = {
  name: 'erdos-renyi-kernel',
  byScore: false,
  keep(layers, sparsity) {
    const density = densitiesOf(layers, sparsity);
    return layers.map(({ grid }, layer) => blocksToKeep(grid.blocks, 1 - (density[layer] as number)));
  },
  densities: densitiesOf,
};

function densitiesOf(layers: readonly AllocationLayer[], sparsity: number): number[] {
  return erdosRenyiDensities(
    layers.map(({ kernelShape }) => kernelShape),
    layers.map(({ grid }) => grid.blocks),
    sparsity,
  );
}

/** The allocations by name, as tables and command lines have them. */
export const allocations = {
  uniform,
  global,
  'erdos-renyi-kernel': erdosRenyiKernel,
} as const satisfies Readonly<Record<string, Allocation>>;

export type AllocationName = keyof typeof allocations;

/** Densities `min(1, ε · Σ dims / Π dims)` with ε such that `Σ size · density = (1 − sparsity) · Σ size`. */
export function erdosRenyiDensities(
  shapes: readonly (readonly number[])[],
  sizes: readonly number[],
  sparsity: number,
): number[] {
  const raw = shapes.map((dims) => dims.reduce((a, b) => a + b, 0) / dims.reduce((a, b) => a * b, 1));
  const dense = new Set<number>();
  for (;;) {
    let budget = (1 - sparsity) * sizes.reduce((a, b) => a + b, 0);
    let demand = 0;
    sizes.forEach((size, layer) => {
      if (dense.has(layer)) budget -= size;
      else demand += size * (raw[layer] as number);
    });
    const epsilon = demand === 0 ? 0 : budget / demand;
    const before = dense.size;
    raw.forEach((value, layer) => {
      if (!dense.has(layer) && epsilon * value > 1) dense.add(layer);
    });
    if (dense.size === before) return raw.map((value, layer) => (dense.has(layer) ? 1 : epsilon * value));
  }
}
