/**
 * Pruning in one import: what a person with a trained model needs of Espalier, and nothing of the command. For
 * `espalier.config.ts` there is `espalier/config`.
 */
export { compress, decompress, sparsePhases } from '@espalier/block-sparse';
export { sparsify } from '@espalier/core';
export type { ModelPruning, Pruner, PruningReport, Target, VariablePruning } from '@espalier/core';
export { shrink, type Shrunk, type ShrinkReport } from '@espalier/shrink';
export { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';
