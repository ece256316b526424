/** The costs of products on the backend in use, measured: for backends whose costs the package does not know. */
import {
  assertBlockShape,
  type BlockPattern,
  blockSparseMatMul,
  blockSparseWeightGradient,
  gatherBlocks,
  patternOf,
} from '@espalier/blocks';
import { blockGrid, topK, type Shape2D } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import type { Costs } from './cost.js';

/** Rows of what is multiplied, and the sides of square kernels that are tried until one takes long enough to be timed. */
const ROWS = 128;
const SIDES = [256, 512, 1024, 2048] as const;
const LONG_ENOUGH_MS = 4;
const REPETITIONS = 5;
const KEPT_SHARE = 0.1;
/** Fewer take hardly longer than one. */
const FEWEST_KEPT = 4;
/** Times that are nearer to one another may be the same. */
const DISTINCT = 1.05;

/**
 * Times a training step's three products, dense and over a tenth of the blocks, at least four, on the backend in use. Takes about a
 * second; what is measured depends on the machine and on what else it does.
 *
 * @param blockShape a side of more than 256 is measured as one of 256
 * @throws TypeError, RangeError for what is no block shape
 * @returns costs for blocks of this shape, to be passed to `sparsePhases`
 */
export async function measureCosts(blockShape: Shape2D): Promise<Costs> {
  assertBlockShape(blockShape);
  let measured = await measure(SIDES[0], blockShape);
  for (const side of SIDES.slice(1)) {
    if (measured.denseMs >= LONG_ENOUGH_MS) break;
    measured = await measure(side, blockShape);
  }
  const { denseMs, weights } = measured;
  const msPerMultiplyAdd = denseMs / (3 * ROWS * weights);
  const { msPerWeight, fixedMs } = lineThrough(measured);
  const perKeptWeight = msPerWeight / (3 * ROWS) / msPerMultiplyAdd;
  const perStep = fixedMs / msPerMultiplyAdd;
  return { perKeptWeight: () => perKeptWeight, perStep };
}

/**
 * Milliseconds by kept weights, and those that any products take. Where a busy machine does not tell some blocks from a single
 * one, all is by weights: none are for nothing.
 */
function lineThrough({ sparseMs, leastMs, keptWeights, leastWeights }: Measured): {
  readonly msPerWeight: number;
  readonly fixedMs: number;
} {
  if (keptWeights === leastWeights || sparseMs < DISTINCT * leastMs) {
    return { msPerWeight: Math.max(sparseMs, leastMs) / keptWeights, fixedMs: 0 };
  }
  const msPerWeight = (sparseMs - leastMs) / (keptWeights - leastWeights);
  return { msPerWeight, fixedMs: Math.max(0, leastMs - msPerWeight * leastWeights) };
}

type Measured = Awaited<ReturnType<typeof measure>>;

/** Milliseconds of three products: dense, over some of the blocks, and over a single one. */
async function measure(side: number, blockShape: Shape2D) {
  const [blockRows, blockColumns] = blockShape;
  const grid = blockGrid([side, side], [Math.min(blockRows, SIDES[0]), Math.min(blockColumns, SIDES[0])]);
  const random = tf.randomUniform([grid.blocks], 0, 1, 'float32', 1);
  const scores = await random.data();
  random.dispose();
  const keeping = (blocks: number) => patternOf(grid, topK(scores, Math.max(1, Math.round(blocks))));
  const one = keeping(1);
  const some = keeping(Math.min(grid.blocks, Math.max(FEWEST_KEPT, grid.blocks * KEPT_SHARE)));
  const [x, dy] = [2, 3].map((seed) => tf.randomNormal<tf.Rank.R2>([ROWS, side], 0, 1, 'float32', seed));
  const weight = tf.randomNormal<tf.Rank.R2>([side, side], 0, 1, 'float32', 4);
  const dense = () => {
    tf.matMul(x!, weight);
    tf.matMul(dy!, weight, false, true);
    return tf.matMul(x!, dy!, true, false);
  };
  const over = (pattern: BlockPattern) => () => {
    const values = gatherBlocks(weight, pattern);
    blockSparseMatMul(x!, values, pattern);
    blockSparseMatMul(dy!, values, pattern, { transposed: true });
    return blockSparseWeightGradient(x!, dy!, pattern);
  };
  try {
    return {
      denseMs: await leastMsOf(dense),
      sparseMs: await leastMsOf(over(some)),
      leastMs: await leastMsOf(over(one)),
      weights: side * side,
      keptWeights: some.size,
      leastWeights: one.size,
    };
  } finally {
    tf.dispose([x!, dy!, weight]);
  }
}

/** The least of a few times, each until one number of the result has come back from the device. */
async function leastMsOf(work: () => tf.Tensor): Promise<number> {
  let least = Infinity;
  for (let i = 0; i <= REPETITIONS; i++) {
    const started = performance.now();
    const one = tf.tidy(() => work().flatten().slice(0, 1));
    await one.data();
    one.dispose();
    // The first compiles, links and allocates.
    if (i > 0) least = Math.min(least, performance.now() - started);
  }
  return least;
}
