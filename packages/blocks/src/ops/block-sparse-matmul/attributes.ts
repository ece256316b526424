import type { PatternAttribute } from '../../pattern.js';

/** What is computed in the same pass as the product. */
export type Activation = 'linear' | 'relu';

/** What the kernels of `BlockSparseMatMul` receive beside their input tensors. */
export interface MatMulAttributes extends PatternAttribute {
  readonly transposed: boolean;
  readonly activation: Activation;
}
