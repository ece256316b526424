/** Overrides: what the target gives single kernels, in the place of what it gives all of them. */
import { assertBlockShape, describeValue, type Shape2D } from '@espalier/blocks';

/** A kernel's own part of the target. What is absent is as for the others. */
export interface KernelOverrides {
  /** Share of the kernel's blocks to prune, from 0 and under 1, whatever the allocation. */
  readonly sparsity?: number;
  /** Rows × columns of its blocks. */
  readonly blockShape?: Shape2D;
}

/** Overrides by the kernel's name, `layer/weight`. */
export type Overrides = Readonly<Record<string, KernelOverrides>>;

const FIELDS: readonly string[] = ['sparsity', 'blockShape'] satisfies (keyof KernelOverrides)[];

export function overridesOf(overrides: Overrides, name: string): KernelOverrides {
  return (Object.hasOwn(overrides, name) && overrides[name]) || {};
}

/** @throws RangeError unless it is a share from 0 and under 1, with what it is called and its value */
export function assertSparsity(sparsity: number, called = 'sparsity'): void {
  if (typeof sparsity === 'number' && sparsity >= 0 && sparsity < 1) return;
  throw new RangeError(
    `${called} = ${describeValue(sparsity)} is not a number from 0 and under 1 (0.9 prunes 90% of the blocks)`,
  );
}

/** @throws RangeError for a value out of range, or a field that there is not, with the kernel's name */
export function assertOverrides(overrides: Overrides): void {
  if (typeof overrides !== 'object' || overrides === null || Array.isArray(overrides)) {
    throw new TypeError(
      `overrides is ${describeValue(overrides)}, and is to be an object: { 'dense_1/kernel': { sparsity: 0.5 } }`,
    );
  }
  for (const [name, own] of Object.entries(overrides)) {
    if (typeof own !== 'object' || own === null) {
      throw new TypeError(`The overrides of ${name} are ${describeValue(own)}, and are to be an object`);
    }
    const unknown = Object.keys(own).find((field) => !FIELDS.includes(field));
    if (unknown !== undefined) {
      throw new RangeError(
        `The overrides of ${name} have no field '${unknown}': they have ${FIELDS.join(' and ')}`,
      );
    }
    if (own.sparsity !== undefined) assertSparsity(own.sparsity, `The overrides of ${name}: sparsity`);
    if (own.blockShape !== undefined) assertOwnBlockShape(own.blockShape, name);
  }
}

function assertOwnBlockShape(blockShape: readonly number[], name: string): void {
  try {
    assertBlockShape(blockShape);
  } catch (error) {
    throw new RangeError(`The overrides of ${name}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * @param pruned the kernels that are pruned
 * @param dense those that are not, with the reason
 * @throws RangeError for overrides of a kernel that is not pruned: they would do nothing
 */
export function assertOverridesApply(
  overrides: Overrides,
  pruned: readonly { readonly name: string }[],
  dense: readonly { readonly name: string; readonly reason: string }[],
): void {
  const names = pruned.map(({ name }) => name);
  for (const name of Object.keys(overrides)) {
    if (names.includes(name)) continue;
    const left = dense.find((kernel) => kernel.name === name);
    throw new RangeError(
      left
        ? `There are overrides for ${name}, which stays dense: ${left.reason}`
        : `There are overrides for '${name}', which is no kernel here: those that are pruned are ${names.join(', ')}`,
    );
  }
}
