/** Where the norm of a block is told from zero; a file that AssemblyScript reads too. */

/** The square of the smallest norm that there is: that of a block of zeros. */
export const SQUARED_NORM_FLOOR = 1e-30;

/** What norms such as `blockNorms` give for a block of zeros, 1e-15, is below; the norm of any block that counts, above. */
export const ZERO_NORM = 2e-15;
