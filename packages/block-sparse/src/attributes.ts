/** What the kernels of this package receive beside their input tensors, as tfjs' `attrs`, whatever the backend. */
import type { ConvolutionInfo } from './convolution-info.js';
import type { BlockPattern } from './pattern.js';

/** What a kernel computes in the same pass as the product. */
export type Activation = 'linear' | 'relu';

export interface MatMulAttributes {
  readonly pattern: BlockPattern;
  readonly transposed: boolean;
  readonly activation: Activation;
}

export interface PatternAttribute {
  readonly pattern: BlockPattern;
}

export interface PatchAttributes {
  readonly info: ConvolutionInfo;
}
