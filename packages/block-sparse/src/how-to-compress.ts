/** How a caller says where the blocks of a model lie, and whether it is so. */
import { assertBlockShape, assertKnownOptions, type BlockPattern, describeValue } from '@espalier/blocks';
import type { LayerKernel, PrunedKernelReport, PruningReport, Shape2D } from '@espalier/core';

/**
 * The report of `pruning.finalize()`, which knows the blocks of each kernel; or one block shape for all kernels.
 */
export type HowToCompress = PruningReport | { readonly blockShape: Shape2D };

/**
 * @param of the function that it is given to
 * @throws TypeError for what is neither a report nor a block shape, RangeError for a block shape that is none
 */
export function assertHow(how: HowToCompress | undefined, of: string): void {
  if (how === undefined) return;
  if (typeof how !== 'object' || how === null || Array.isArray(how) || 'then' in how) {
    const wayOut = Array.isArray(how)
      ? ': name it, { blockShape: [16, 16] }'
      : how !== null && typeof how === 'object'
        ? ': await it first'
        : '';
    throw new TypeError(
      `${of} takes the report of finalize(), or { blockShape }, as its second argument, it is given ${describeValue(how)}${wayOut}`,
    );
  }
  if ('pruned' in how) return assertReport(how, of);
  if ('finalize' in how) {
    throw new TypeError(
      `${of} takes the report that finalize() gives, not the run itself: await run.finalize()`,
    );
  }
  assertKnownOptions(how, ['blockShape'], of);
  assertBlockShape(how.blockShape);
}

function assertReport({ pruned, dense }: PruningReport, of: string): void {
  for (const [list, kernels] of Object.entries({ pruned, dense })) {
    if (Array.isArray(kernels)) continue;
    throw new TypeError(
      `${of} is given a report whose ${list} is ${describeValue(kernels)}, not a list of kernels`,
    );
  }
  for (const kernel of pruned) {
    const { name, blockShape, blocks, keptBlocks } = (kernel ?? {}) as PrunedKernelReport;
    if (typeof name !== 'string' || !Number.isInteger(blocks) || !Number.isInteger(keptBlocks)) {
      throw new TypeError(
        `${of} is given a report in which ${describeValue(kernel)} stands for a kernel: it is no report of finalize()`,
      );
    }
    assertBlockShape(blockShape);
  }
}

/** @throws RangeError for a report that names a kernel which the model does not have, or has in another shape */
export function assertKernelsOf({ pruned }: PruningReport, kernels: readonly LayerKernel[]): void {
  const missing = pruned.find(({ name }) => !kernels.some((kernel) => kernel.name === name));
  if (!missing) return;
  const names = kernels.map(({ name }) => name).join(', ');
  throw new RangeError(
    `The report is of another model: this one has no ${missing.name} among its kernels ${names}`,
  );
}

/**
 * That a kernel has the zeros that its report tells of.
 *
 * @param now the blocks of the kernel that hold anything but zeros
 * @throws RangeError where the report is of a kernel of another shape, or blocks that were pruned are not zero any more
 */
export function assertStillZero(reported: PrunedKernelReport, now: BlockPattern): void {
  const { name, blocks, keptBlocks } = reported;
  if (blocks !== now.grid.blocks) {
    throw new RangeError(
      `The report is of another model: its ${name} has ${blocks} blocks of ${now.blockShape.join('×')}, ` +
        `this model's [${now.matrixShape.join(', ')}] has ${now.grid.blocks}`,
    );
  }
  const regrown = now.blocks - keptBlocks;
  if (regrown <= 0) return;
  throw new RangeError(
    `${name} is not what the report tells of: ${blocks - keptBlocks} of its ${blocks} blocks were pruned, ${regrown} of them ` +
      'are not zero any more. The model was trained, or its weights were set, after finalize(): compress before that, and ' +
      `train the compressed model; or sparsify() this one again; or compress(model, { blockShape: [${now.blockShape.join(', ')}] }) ` +
      'by the zeros that are left',
  );
}
