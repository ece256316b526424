/** What a strategy works on: the kernels of a network in training. */
import { type Grid, rootMeanSquares, scaled } from './blocks.js';
import type { KernelParameter, Parameter } from './network.js';
import type { Optimizer } from './optimizers.js';
import {
  type Allocation,
  type Closest,
  everyBlock,
  global,
  largest,
  type Mask,
  without,
} from './selection.js';
import type { Node, Rounding, Tape } from './tape.js';

/** A kernel that is pruned. */
export interface Kernel {
  /** What the optimiser trains in its place. */
  readonly raw: KernelParameter;
  readonly grid: Grid;
  mask: Mask;
  /** The density d that it has at the target. */
  density: number;
  /** What is trained beside it, such as one logit a block. */
  readonly added: Parameter | null;
  /** The derivative of the loss by what the network computes with, in the last step; zeros before the first. */
  gradient: Float64Array;
  /** Of what each weight is multiplied by, the sum of squares over the calibration inputs, when it was last found out. */
  inputSquares: Float64Array;
}

/** What is left to chance: given, as the first weights are. */
export interface Draws {
  /** Numbers from 0 to 1 for the blocks of a kernel. */
  lots(kernel: number, blocks: number, ...purpose: number[]): readonly number[];
  /** Numbers near 0 for the blocks of a kernel, when `selected` of them are selected. */
  logits(kernel: number, grid: Grid, selected: number): readonly number[];
}

export interface Run {
  readonly kernels: readonly Kernel[];
  readonly steps: number;
  /** The target. */
  readonly sparsity: number;
  readonly allocation: Allocation;
  readonly optimizer: Optimizer;
  readonly draws: Draws;
  readonly closest: Closest;
  readonly round: Rounding;
  /** Finds out what comes to the kernels of the calibration inputs, as the network computes now. */
  calibrate(): void;
}

/** What a strategy does in a run. Where it says nothing, the network computes with `raw ⊙ mask`. */
export interface Rules {
  /** What the network computes with in the kernel's place, made of what is trained. */
  effective?(tape: Tape, kernel: Kernel, raw: readonly Node[], added: readonly Node[]): readonly Node[];
  /** Before a step, counted from 0: here blocks are chosen. */
  before?(step: number): void;
  /** Trains what was added by a rule of its own, and takes its derivatives out of what the optimiser is given. */
  trainAdded?(step: number, gradients: Map<Parameter, number[]>): void;
  /** Whether the optimiser takes its step. */
  trains?(step: number): boolean;
  /** The blocks in which nothing trains; none, when absent. */
  still?(kernel: Kernel): Mask;
  /** After the optimiser's step. */
  after?(step: number): void;
  /** At the end. */
  finish?(): void;
}

export interface Strategy {
  /** How its paper shares the budget over the kernels; uniformly, when absent. */
  readonly allocation?: Allocation;
  /** The first values of what is trained beside a kernel. */
  added?(grid: Grid): { readonly shape: readonly number[]; readonly values: readonly number[] };
  /** Whether the kernel's regularizer is one of what is added, too; it is, when absent. */
  readonly addedDecays?: boolean;
  /** The raw weight whose effective weight is `weight`. */
  raw?(grid: Grid, weight: Float64Array): Float64Array;
  run(run: Run): Rules;
}

/** `raw ⊙ mask`. */
export function masked(tape: Tape, { grid, mask }: Kernel, nodes: readonly Node[]): Node[] {
  return scaled(
    tape,
    grid,
    nodes,
    Array.from(mask, (bit) => tape.leaf(bit)),
  );
}

/** What blocks are scored by where nothing else is said. */
export const magnitudes = ({ grid, raw }: Kernel): number[] => rootMeanSquares(grid, raw.values);

/** What blocks grow and join by. */
export const gradients = ({ grid, gradient }: Kernel): number[] => rootMeanSquares(grid, gradient);

export interface ChoiceSettings {
  /** Of the target sparsity, from 0 to 1. */
  readonly share: number;
  readonly scores: (kernel: Kernel) => readonly number[];
  /** Whether all blocks may be kept, or those alone that are. */
  readonly among: 'all' | 'kept';
}

/** How many blocks each kernel keeps. */
export function counts({ kernels, allocation, sparsity, closest }: Run, settings: ChoiceSettings): number[] {
  const layers = kernels.map((kernel) => ({
    blocks: kernel.grid.blocks,
    shape: kernel.raw.shape,
    scores: settings.scores(kernel).filter((_, block) => candidatesOf(kernel, settings)[block]),
  }));
  return allocation(layers, sparsity * settings.share, closest);
}

/**
 * Keeps in each kernel, of the blocks that may be kept, as many of the highest score as the sparsity allows. Where the
 * scores share the budget, they tell the density at the target too, which is at most that of all kernels together.
 */
export function choose(run: Run, settings: ChoiceSettings): void {
  const keep = counts(run, settings);
  const tellsDensity = run.allocation === global && settings.share > 0;
  const atTarget = tellsDensity ? counts(run, { ...settings, share: 1 }) : null;
  run.kernels.forEach((kernel, i) => {
    if (atTarget) kernel.density = Math.min(1 - run.sparsity, atTarget[i] / kernel.grid.blocks);
    kernel.mask = largest(settings.scores(kernel), keep[i], candidatesOf(kernel, settings), run.closest);
  });
}

function candidatesOf({ mask, grid }: Kernel, { among }: ChoiceSettings): Mask {
  return among === 'all' ? everyBlock(grid.blocks) : mask;
}

/** Sets the weights outside the mask to zero. */
export function erase({ raw, grid, mask }: Kernel): void {
  const pruned = without(mask);
  grid.blockOf.forEach((block, i) => {
    if (pruned[block]) raw.values[i] = 0;
  });
}
