/**
 * A mask as training uses it, step after step: the same blocks are kept until the next choice, so that what is made of
 * them once, and the memory of results that are zero elsewhere, serve every step.
 */
import * as tf from '@tensorflow/tfjs';

import { anInstance, assertArgument } from './arguments.js';
import { assertGrid, type BlockGrid } from './grid.js';
import { assertMask, keptBlocks, type BlockMask } from './mask.js';
import { patternOf, type BlockPattern } from './pattern.js';

/** What ops under a mask receive beside their input tensors. */
export interface MaskAttribute {
  readonly mask: TrainingMask;
}

/** A tensor that is zero outside of the kept blocks of a pattern. */
export interface MaskedResult {
  readonly tensor: tf.Tensor;
  readonly pattern: BlockPattern;
}

/** The kept blocks of a matrix, for as long as they are the same. Its owner disposes it. */
export class TrainingMask {
  readonly grid: BlockGrid;
  /** Whether every block is kept. */
  readonly keepsAll: boolean;
  /** What kernels gave as results, to be given again where nobody else holds them: see `maskedResult`. */
  readonly results: MaskedResult[];
  readonly #mask: BlockMask;
  #pattern: BlockPattern | null = null;
  #tensor: tf.Tensor2D | null = null;
  #isDisposed = false;

  /**
   * @param previous the mask in whose place this one comes, of the same grid: memory that it has is handed on, and it is
   *   disposed
   * @throws TypeError, RangeError for what is no grid, or no mask of it
   */
  constructor(grid: BlockGrid, mask: BlockMask, previous?: TrainingMask) {
    assertGrid(grid);
    assertMask(mask, 'mask', grid.blocks);
    if (previous) assertSameGrid(previous, grid);
    this.grid = grid;
    this.keepsAll = keptBlocks(mask) === grid.blocks;
    this.#mask = mask.slice();
    this.results = previous?.results.splice(0) ?? [];
    previous?.dispose();
  }

  /** The kept blocks; made when it is first asked for, as of narrow blocks it is not. */
  get pattern(): BlockPattern {
    this.#pattern ??= patternOf(this.grid, this.#mask);
    return this.#pattern;
  }

  /** Whether a block has so few columns that its weights are no longer gone through block by block. */
  get isNarrow(): boolean {
    return this.grid.blockShape[1] < 4;
  }

  /**
   * One number a block, 1 kept, 0 pruned, `[R, C]`. The mask's own: to be read, not disposed. That of a mask that is
   * disposed is a new one each time, of the scope (`tf.tidy`) that asks for it.
   */
  get tensor(): tf.Tensor2D {
    if (this.#tensor) return this.#tensor;
    const made = tf.tensor2d(new Float32Array(this.#mask), [...this.grid.gridShape]);
    if (this.#isDisposed) return made;
    // A caller may have opened a scope that ends before the mask does.
    this.#tensor = tf.keep(made);
    return made;
  }

  /** Numbers of blocks, `[R, C]`, as the mask leaves them: 0 at pruned ones, whatever they were; differentiable. */
  masked(numbers: tf.Tensor2D): tf.Tensor2D {
    if (this.keepsAll) return numbers;
    return tf.tidy(() => tf.where<tf.Tensor2D>(this.tensor.cast('bool'), numbers, 0));
  }

  /**
   * Whether it was disposed, or another came in its place. Gradients of what was computed under it may still come: they
   * are right, and it keeps nothing of them.
   */
  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** How many tensors it has of its own. */
  get tensors(): number {
    return this.results.length + (this.#tensor ? 1 : 0);
  }

  /** Lets go of its tensors, for good. Results that others hold stay theirs. */
  dispose(): void {
    this.#isDisposed = true;
    this.#tensor?.dispose();
    this.#tensor = null;
    for (const { tensor } of this.results.splice(0)) tensor.dispose();
  }
}

function assertSameGrid(previous: unknown, { matrixShape, blockShape }: BlockGrid): void {
  assertTrainingMask(previous, 'TrainingMask', 'previous');
  const { grid } = previous;
  if (grid.matrixShape.join() === matrixShape.join() && grid.blockShape.join() === blockShape.join()) return;
  throw new RangeError(
    `The mask before is of a matrix [${grid.matrixShape.join(', ')}] in blocks of ${grid.blockShape.join('×')}, this ` +
      `one of [${matrixShape.join(', ')}] in ${blockShape.join('×')}: leave it out, and dispose it`,
  );
}

const aMask = anInstance(TrainingMask, 'a TrainingMask');

/** @throws TypeError for what is no mask */
export function assertTrainingMask(mask: unknown, of: string, name = 'mask'): asserts mask is TrainingMask {
  assertArgument(of, name, mask, aMask);
}
