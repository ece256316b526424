import type { Shape2D } from '../../grid.js';

/** What the kernels receive beside their input tensors. */
export interface BlockAttributes {
  /** Rows × columns of a block; those at the right and bottom edges are smaller where the sizes do not divide. */
  readonly blockShape: Shape2D;
}
