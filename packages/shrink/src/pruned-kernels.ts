/** Whether a model has the zeros that the report of its pruning tells of. */
import {
  blockGrid,
  matrixShape as shapeOf,
  nonZeroBlocks,
  type Expected,
  type LayerKernel,
  type PrunedKernelReport,
  type PruningReport,
} from '@espalier/core';

export const aReport: Expected = {
  type: 'object',
  holds: (value) => {
    const { pruned } = (value ?? {}) as Partial<PruningReport>;
    return Array.isArray(pruned) && pruned.every(isOfKernel);
  },
  words: 'the report of finalize()',
};

function isOfKernel(value: unknown): boolean {
  const { name, matrixShape, blockShape, keptBlocks } = (value ?? {}) as Partial<PrunedKernelReport>;
  const arePairs = [matrixShape, blockShape].every(
    (shape) =>
      Array.isArray(shape) && shape.length === 2 && shape.every((side) => side > 0 && Number.isInteger(side)),
  );
  return typeof name === 'string' && arePairs && Number.isInteger(keptBlocks);
}

/** @throws RangeError where the report is of another model, or blocks that were pruned are not zero any more */
export async function assertZerosOf(
  { pruned }: PruningReport,
  kernels: readonly LayerKernel[],
): Promise<void> {
  for (const { name, matrixShape, blockShape, blocks, keptBlocks } of pruned) {
    const kernel = kernels.find((each) => each.name === name);
    const shape = kernel && kernel.variable.shape.length > 1 && shapeOf(kernel.variable.shape, kernel.kind);
    if (!shape || shape.join() !== matrixShape.join()) {
      const has = kernel ? `its ${name} is of another shape` : `it has no ${name}`;
      throw new RangeError(`The report is of another model than the one that shrink() is given: ${has}`);
    }
    const nonZero = nonZeroBlocks(await kernel.variable.data(), blockGrid(matrixShape, blockShape));
    const regrown = nonZero.reduce((sum, bit) => sum + bit, 0) - keptBlocks;
    if (regrown <= 0) continue;
    throw new RangeError(
      `${name} is not what the report tells of: ${blocks - keptBlocks} of its ${blocks} blocks were pruned, ${regrown} of ` +
        'them are not zero any more. The model was trained, or its weights were set, after finalize(): shrink before that, ' +
        'and train the smaller model; or sparsify() this one again; or shrink(model), by the zeros that are left',
    );
  }
}
