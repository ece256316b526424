// A block-sparse product as accelerators are offered it.

import type { ConvolutionGeometry } from '../wasm/exports.js';
import type { BlockPlan } from './block-lines.js';

/** x · W and dy · Wᵀ; or xᵀ · dy at the kept blocks. */
export type BlockProductKind = 'product' | 'gradient';

export interface BlockProduct {
  readonly plan: BlockPlan;
  /** Rows of x, and of the result. */
  readonly rows: number;
  /** Columns of the result; in the gradient by the values, of dy. */
  readonly columns: number;
  /** Where x lies: a matrix of so many columns, or images of which it is the patches. */
  readonly source: MatrixSource | PatchSource;
}

interface MatrixSource {
  readonly stride: number;
}

interface PatchSource {
  readonly geometry: ConvolutionGeometry;
}
