/**
 * The budget of a run: how many blocks each kernel keeps at a moment, and the density that it comes to. The allocation
 * shares the target among the kernels; one with a sparsity of its own stands beside, as if it were not there.
 */
import { keptBlocks, type BlockGrid, type BlockMask } from '@espalier/blocks';

import { blocksToKeep, type Allocation, type AllocationLayer } from '../allocation.js';

export interface BudgetKernel {
  readonly grid: BlockGrid;
  readonly kernelShape: readonly number[];
  /** Its own target sparsity, where it has one. */
  readonly sparsity: number | undefined;
}

/** What a choice of blocks has read, kernel by kernel. */
export interface Scored {
  readonly scores: readonly Float32Array[];
  /** The blocks that may be chosen. */
  readonly candidates: readonly BlockMask[];
}

export class Budget {
  /** Whether the counts depend on scores. */
  readonly byScore: boolean;

  /** @param sparsity the target of the kernels that have none of their own */
  constructor(
    readonly allocation: Allocation,
    readonly sparsity: number,
    private readonly kernels: readonly BudgetKernel[],
  ) {
    this.byScore = allocation.byScore && kernels.some((kernel) => kernel.sparsity === undefined);
  }

  /**
   * How many blocks each kernel keeps at a share of the target sparsity, 0 to 1.
   *
   * @param scored what the choice has read; not needed unless `byScore`
   */
  counts(share: number, scored?: Scored): number[] {
    return this.#each(
      (shared) => this.allocation.keep(shared, this.sparsity * share),
      ({ blocks }, sparsity) => blocksToKeep(blocks, sparsity * share),
      scored,
    );
  }

  /**
   * The density of each kernel at the full target, above 0 and at most 1, before it is rounded to whole blocks. Of an
   * allocation by scores only they tell: it is the share that they would keep now, but never more than the target's
   * own, which it is without them. A kernel of which the scores keep every block now may have to lose some at the next
   * choice, and attention that is clipped to its density of 1 could not learn which.
   *
   * @param atTarget the counts at the full target by these scores, where they are known
   */
  densities(scored?: Scored, atTarget?: readonly number[]): number[] {
    const { allocation, sparsity } = this;
    if (allocation.byScore && !(scored && allocation.densities)) {
      const counts = scored && (atTarget ?? this.counts(1, scored));
      return this.kernels.map(({ grid, sparsity: own }, i) => {
        if (own !== undefined) return 1 - own;
        return counts ? Math.min(counts[i]! / grid.blocks, 1 - sparsity) : 1 - sparsity;
      });
    }
    const share = (shared: readonly AllocationLayer[]): number[] =>
      allocation.densities?.(shared, sparsity) ??
      allocation.keep(shared, sparsity).map((kept, i) => kept / shared[i]!.grid.blocks);
    return this.#each(share, (_, own) => 1 - own, scored);
  }

  /** A number for each kernel: of those without a sparsity of their own from all of them, of the others one by one. */
  #each(
    ofShared: (layers: readonly AllocationLayer[]) => number[],
    ofOwn: (grid: BlockGrid, sparsity: number) => number,
    scored?: Scored,
  ): number[] {
    const shared = this.kernels.flatMap(({ grid, kernelShape, sparsity }, i) =>
      sparsity === undefined ? [{ grid, kernelShape, scores: scoresOf(i, grid, scored) }] : [],
    );
    const numbers = (shared.length === 0 ? [] : ofShared(shared)).values();
    return this.kernels.map(({ grid, sparsity }) =>
      sparsity === undefined ? (numbers.next().value as number) : ofOwn(grid, sparsity),
    );
  }
}

/** −Infinity for a block that may not be kept. */
function scoresOf(index: number, { blocks }: BlockGrid, scored?: Scored): Float32Array {
  if (!scored) return new Float32Array(blocks);
  const [scores, candidates] = [scored.scores[index]!, scored.candidates[index]!];
  if (keptBlocks(candidates) === blocks) return scores;
  const allowed = scores.slice();
  for (let block = 0; block < blocks; block++) if (!candidates[block]) allowed[block] = -Infinity;
  return allowed;
}
