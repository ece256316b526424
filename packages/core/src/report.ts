/** What a pruning run reached, measured on the weights themselves. */
import {
  anObject,
  assertArgument,
  blockSize,
  type BlockGrid,
  type Expected,
  type Shape2D,
} from '@espalier/blocks';

import type { KernelOverrides } from './overrides.js';

export interface PrunedKernelReport {
  readonly name: string;
  readonly matrixShape: Shape2D;
  readonly blockShape: Shape2D;
  readonly gridShape: Shape2D;
  /** `G`. */
  readonly blocks: number;
  /** `k`, the blocks that the target allows. */
  readonly targetBlocks: number;
  /** What the target gives this kernel alone; absent where it has nothing of its own. */
  readonly overrides?: KernelOverrides;
  /** Blocks with a weight that is not zero. */
  readonly keptBlocks: number;
  readonly weights: number;
  /** Weights in blocks of zeros. */
  readonly prunedWeights: number;
}

/** A kernel that was left dense, and why. */
export interface DenseKernelReport {
  readonly name: string;
  readonly shape: readonly number[];
  readonly reason: string;
}

export interface PruningReport {
  readonly pruned: readonly PrunedKernelReport[];
  readonly dense: readonly DenseKernelReport[];
  readonly achieved: {
    /** Share of blocks that are zero, over the pruned layers: `1 − k / G` when the target was reached. */
    readonly prunedLayers: number;
    /** Share of weights in blocks of zeros, over all the weights of the model. */
    readonly model: number;
  };
  /** Optimiser steps that the run was told of, those past its end among them. */
  readonly stepsDone: number;
  /** The target's `totalSteps`. */
  readonly stepsPlanned: number;
  /** The phase in which the run ended. */
  readonly phase: string;
  /** Blocks that the run itself had not pruned, which `finalize` cut: nothing was trained after. */
  readonly cutAtEnd: number;
  /** What may not be as it was meant, a sentence each; empty where there is nothing. */
  readonly warnings: readonly string[];
}

/** How a run went, for its report. */
export interface Course extends Pick<PruningReport, 'stepsDone' | 'stepsPlanned' | 'phase' | 'cutAtEnd'> {
  /** Steps before which no kernel had been trained. */
  readonly idleSteps: number;
  /** The kernels that no step had trained. */
  readonly untrained: readonly string[];
}

/**
 * Which blocks of a matrix hold anything but zeros: 1 a block that does, `[R · C]`.
 *
 * @throws TypeError for a grid that is none, or weights that are not those of its matrix, row by row
 */
export function nonZeroBlocks(weights: ArrayLike<number>, grid: BlockGrid): Uint8Array {
  assertArgument('nonZeroBlocks()', 'grid', grid, anObject('what blockGrid() makes', { blocks: 'number' }));
  const [n, m] = grid.matrixShape;
  assertArgument('nonZeroBlocks()', 'weights', weights, weightsOf(n * m));
  const [blockRows, blockColumns] = grid.blockShape;
  const nonZero = new Uint8Array(grid.blocks);
  for (let i = 0; i < n; i++) {
    const rowStart = Math.floor(i / blockRows) * grid.gridShape[1];
    for (let j = 0; j < m; j++) {
      if (weights[i * m + j] !== 0) nonZero[rowStart + Math.floor(j / blockColumns)] = 1;
    }
  }
  return nonZero;
}

function weightsOf(size: number): Expected {
  return {
    type: 'object',
    holds: (value) =>
      (Array.isArray(value) || ArrayBuffer.isView(value)) && (value as Float32Array).length === size,
    words: `the ${size} weights of the grid's matrix, row by row`,
  };
}

/** Measures one kernel. `weights` are its effective weights, row by row. */
export function reportKernel(
  name: string,
  grid: BlockGrid,
  targetBlocks: number,
  weights: ArrayLike<number>,
  overrides: KernelOverrides = {},
): PrunedKernelReport {
  const nonZero = nonZeroBlocks(weights, grid);
  const { matrixShape, blockShape, gridShape, blocks } = grid;
  let keptBlocks = 0;
  let prunedWeights = 0;
  nonZero.forEach((bit, block) => {
    if (bit) keptBlocks += 1;
    else prunedWeights += blockSize(grid, block);
  });
  return {
    name,
    matrixShape,
    blockShape,
    gridShape,
    blocks,
    targetBlocks,
    ...(Object.keys(overrides).length > 0 && { overrides }),
    keptBlocks,
    weights: matrixShape[0] * matrixShape[1],
    prunedWeights,
  };
}

/** @param modelWeights all weights of the model, biases and what is not pruned included */
export function summarize(
  pruned: readonly PrunedKernelReport[],
  dense: readonly DenseKernelReport[],
  modelWeights: number,
  course: Course,
): PruningReport {
  const sum = (value: (kernel: PrunedKernelReport) => number) =>
    pruned.reduce((total, k) => total + value(k), 0);
  return {
    pruned,
    dense,
    achieved: {
      prunedLayers: 1 - sum((k) => k.keptBlocks) / sum((k) => k.blocks),
      model: sum((k) => k.prunedWeights) / modelWeights,
    },
    stepsDone: course.stepsDone,
    stepsPlanned: course.stepsPlanned,
    phase: course.phase,
    cutAtEnd: course.cutAtEnd,
    warnings: warningsOf(
      course,
      sum((k) => k.blocks),
    ),
  };
}

function warningsOf(
  { stepsDone, stepsPlanned, phase, cutAtEnd, idleSteps, untrained }: Course,
  blocks: number,
): string[] {
  const warnings: string[] = [];
  if (stepsDone < stepsPlanned) {
    const cut =
      cutAtEnd > 0
        ? `finalize() itself cut ${cutAtEnd} of ${blocks} blocks, and nothing was trained after`
        : '';
    warnings.push(
      `The run ended after ${stepsDone} of ${stepsPlanned} steps, in a ${phase} phase${cut && `: ${cut}`}`,
    );
  }
  if (stepsDone > stepsPlanned) {
    warnings.push(
      `The run was told of ${stepsDone} steps, and planned for ${stepsPlanned}: its phases were over before training ` +
        'was. totalSteps is epochs × steps in an epoch, and step() is called once for each',
    );
  }
  if (idleSteps > 0) {
    const which = untrained.length > 0 && stepsDone > idleSteps ? `, ${untrained.join(', ')} in none` : '';
    warnings.push(`In ${stepsDone - idleSteps} of ${stepsDone} steps a kernel was trained${which}`);
  } else if (stepsDone > 0 && untrained.length > 0) {
    warnings.push(`No step trained ${untrained.join(', ')}`);
  }
  return warnings;
}
