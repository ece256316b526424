// The one interface of what computes faster than assembly/, and what the kernels know of it: which of them
// a backend has been given. An accelerator is a folder beside this file; index.ts has the list.

import type { WasmBackend } from '@espalier/blocks';

import type { BlockProduct, BlockProductKind } from '../products/block-product.js';
import type { PatchProduct } from '../products/patches.js';
import type { ConvolutionGeometry, EpilogueArguments, Product } from '../wasm/exports.js';

/** What is computed of a convolution: its result, or the gradient by its images or its filter. */
export type ConvolutionDirection = 'forward' | 'inputGradient' | 'filterGradient';

/** Three tensors by their byte offsets in the backend's memory: two operands, then the result. */
export type Operands = readonly [a: number, b: number, result: number];

/** x [images, pixels, channels], normalised in training: for each channel. */
export interface Normalisation {
  readonly images: number;
  readonly pixels: number;
  readonly channels: number;
  readonly epsilon: number;
}

/** By their byte offsets: x and y, which is made; scale and offset [channels]; mean and variance, which are made too. */
export interface NormalisationOperands {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
  readonly offset: number;
  readonly mean: number;
  readonly variance: number;
}

/** By their byte offsets: the gradients by x, scale and offset are made. */
export interface NormalisationGradientOperands {
  readonly dy: number;
  readonly x: number;
  readonly mean: number;
  readonly variance: number;
  readonly scale: number;
  readonly dx: number;
  readonly dScale: number;
  readonly dOffset: number;
}

/** a + b; the greater of a and 0, NaN where a is, with a as b too; a where b > 0, 0 elsewhere, and one of them where b is NaN. */
export type ElementwiseOperation = 'add' | 'relu' | 'reluGradient';

/**
 * An accelerator on the memory of one backend. What it cannot do it does not have; each method says whether it did the
 * work: what it does not take, as too small to be worth a call or of a kind it does not know, is offered to the next one.
 */
export interface Accelerator {
  /** C = activation(op(A) · op(B) + bias), or C += op(A) · op(B). */
  multiply?(product: Product, epilogue: EpilogueArguments): boolean;
  /** out [N, OH, OW, K] = activation(x [N, H, W, C] * filter + bias), of x, filter, out. */
  convolve?(product: PatchProduct, operands: Operands, epilogue: EpilogueArguments): boolean;
  /**
   * dx [N, H, W, C], of dy [N, OH, OW, K], filter, dx. Where `turnedProduct` knows a convolution that makes it, one that is
   * not taken comes again as that convolution.
   */
  inputGradient?(product: PatchProduct, operands: Operands): boolean;
  /** dFilter [FH, FW, C, K], of x [N, H, W, C], dy [N, OH, OW, K], dFilter. */
  filterGradient?(product: PatchProduct, operands: Operands): boolean;
  /**
   * The same three of a depthwise convolution, whose filter is [FH, FW, C, Q] and whose result [N, OH, OW, C·Q]: the geometry
   * has Q in the place of K. Operands are x, filter and out, or their gradients; the one of the direction is written.
   */
  depthwise?(direction: ConvolutionDirection, geometry: ConvolutionGeometry, operands: Operands): boolean;
  /** Whether it takes block-sparse products of blocks of so many columns of the result, with so many rows: asked first. */
  takesBlocks?(kind: BlockProductKind, width: number, rows: number): boolean;
  /** y [rows, columns] = activation(x · W + bias) over the kept blocks of W, of x, the values, y. */
  multiplyBlocks?(product: BlockProduct, operands: Operands, epilogue: EpilogueArguments): boolean;
  /** xᵀ · dy at the kept blocks, of x, dy, the gradient by the values. The plan is that of x · W. */
  blockGradient?(product: BlockProduct, operands: Operands): boolean;
  /** y = (x - mean) · scale / sqrt(variance + epsilon) + offset, of mean and variance of x over images and pixels. */
  normalise?(normalisation: Normalisation, operands: NormalisationOperands): boolean;
  /** The gradient through y, and through the mean and the variance in it. */
  normalisationGradient?(normalisation: Normalisation, operands: NormalisationGradientOperands): boolean;
  /** Of so many numbers each. */
  elementwise?(operation: ElementwiseOperation, size: number, operands: Operands): boolean;
  /** Gives back what it holds, once it is attached no more. */
  stop?(): Promise<void>;
}

/** A library of the machine that computes. */
export interface AcceleratorLibrary {
  /** Its make, such as 'OpenBLAS'. */
  readonly kind: string;
  /** As the system's loader was given it: a path, or a name that it found itself. */
  readonly path: string;
  /** Such as '0.3.21'; null where the library does not say. */
  readonly version: string | null;
  /** All that it says of itself, with the processor it chose its kernels for; results are the same bits where this is. */
  readonly build: string;
}

/** Why there is none, and the command that mends it, where one does. */
export interface Absence {
  readonly absence: string;
  readonly remedy: string | null;
}

/** An accelerator that is here. */
export interface FoundAccelerator {
  /** Null for one that needs none. */
  readonly library: AcceleratorLibrary | null;
  /** @throws AcceleratorError when it cannot be started after all */
  start(backend: WasmBackend): Accelerator | Promise<Accelerator>;
}

/** What an accelerator is asked for. */
export interface AcceleratorRequest {
  /** How many threads it may take, this one among them. */
  readonly threads: number;
  /** The path or the file name of the library; null for the first of the usual ones. */
  readonly library: string | null;
  /** The backend that it is for; null where that is not known yet. */
  readonly backend: WasmBackend | null;
}

/** One kind of accelerator. */
export interface AcceleratorKind {
  /** Whether it calls a library, which may be named. */
  readonly takesLibrary: boolean;
  /** @throws AcceleratorError when a library that was asked for cannot serve */
  find(request: AcceleratorRequest): Promise<FoundAccelerator | Absence>;
}

/** An accelerator that was asked for cannot be had. The message is one line and says what to do. */
export class AcceleratorError extends Error {
  override readonly name = 'AcceleratorError';
}

const attached = new WeakMap<WasmBackend, readonly Accelerator[]>();
const NONE: readonly Accelerator[] = [];

/** From now on the work of a backend is offered to these, in this order, and to no others. */
export function attachAccelerators(backend: WasmBackend, accelerators: readonly Accelerator[]): void {
  attached.set(backend, accelerators);
}

export function acceleratorsOf(backend: WasmBackend): readonly Accelerator[] {
  return attached.get(backend) ?? NONE;
}
