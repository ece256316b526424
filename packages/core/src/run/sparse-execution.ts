/**
 * The seam through which a layer computes with the kept blocks of its kernel alone.
 *
 * Core masks the weight and leaves the product dense. While blocks are masked out, their part of the product and
 * of both its gradients is zero, and a block-sparse product gives the same without computing it. Such products are
 * not core's: `@espalier/block-sparse` provides an execution, `sparsify` takes it as `target.sparsePhases`.
 */
import type { TrainingMask } from '@espalier/blocks';
import type * as tf from '@tensorflow/tfjs';

import type { Parameterisation, PrunedKernel, Trainables } from '../pruner.js';

/** The effective weight not yet multiplied out: `elementwise(raw) ⊙ blockScale`, at the kept blocks. */
export interface WeightFactors {
  /** What the optimiser trains, `[n, m]`: it may be the variable itself, to be read and not disposed. */
  readonly raw: tf.Tensor2D;
  /** A function of each weight alone, to be given as many of them as are needed, as a matrix of any shape; null where it is none. */
  readonly elementwise: ((weights: tf.Tensor2D) => tf.Tensor2D) | null;
  /** A factor for each block, `[R, C]`; null where it is one. */
  readonly blockScale: tf.Tensor2D | null;
}

/** A kernel under a mask, and the layer that computes with it. */
export interface MaskedKernel {
  readonly layer: tf.layers.Layer;
  /** The layer's field that holds the kernel: `kernel`, `depthwiseKernel`, … */
  readonly field: string;
  readonly kernelShape: readonly number[];
  /** The mask as ops take it, with its grid and its pattern; core's, which disposes it when another comes. */
  readonly trainingMask: TrainingMask;
}

/**
 * The layer's call with the kept blocks alone: its output, differentiable by the inputs and the factors, or null
 * where the dense call is the faster one for these inputs.
 *
 * @param factors to be called only when they are used
 */
export type SparseCall = (inputs: tf.Tensor, factors: () => WeightFactors) => tf.Tensor | null;

export interface SparseExecution {
  /** The call of a layer under a mask, asked for at each new mask; null where it cannot serve the layer. */
  callOf(kernel: MaskedKernel): SparseCall | null;
}

export function weightFactors(
  { elementwise, blockScale }: Parameterisation,
  raw: tf.Tensor2D,
  trainables: Trainables,
  kernel: PrunedKernel,
): WeightFactors {
  return {
    raw,
    elementwise: elementwise ? (weights) => elementwise(weights, trainables, kernel) : null,
    blockScale: blockScale?.(raw, trainables, kernel) ?? null,
  };
}
