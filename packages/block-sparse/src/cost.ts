/**
 * When a block-sparse product is the faster one: a model of what products cost.
 *
 * Time is counted in multiply-adds of a dense product on the same backend, so that only the ratio of the two kinds of
 * product has to be known, and not the machine. The figures are those that `benchmarks/block-sparse.bench.mjs`
 * measures; the model is deterministic, so that a run that is repeated makes the same choices.
 */
import { BlockPattern, describeValue } from '@espalier/blocks';
import type { Shape2D } from '@espalier/core';

export interface Costs {
  /** A multiply-add at a kept weight, in blocks of this shape. */
  perKeptWeight(blockShape: Shape2D): number;
  /** A weight of the whole kernel, kept or not, where the gradient by it is written whole. 0 when absent. */
  readonly perWeight?: number;
  /** What a layer's step takes beside its three products. */
  perStep: number;
}

/**
 * Whether a training step's three products over a layer's kept blocks take less time than the dense ones.
 *
 * @param rows of the matrix that is multiplied by the kernel's
 * @param denseSpeed how many times faster the dense products are than those that the costs are in
 * @throws TypeError, RangeError for arguments of other types
 */
export function sparseIsFaster(rows: number, pattern: BlockPattern, costs: Costs, denseSpeed = 1): boolean {
  if (!(typeof rows === 'number' && rows >= 0))
    throw new RangeError(`rows = ${describeValue(rows)} is not a number from 0 on`);
  if (!(pattern instanceof BlockPattern)) {
    throw new TypeError(`pattern is ${describeValue(pattern)}, not a BlockPattern, as patternOf() makes one`);
  }
  assertCosts(costs);
  assertDenseSpeed(denseSpeed);
  const [n, m] = pattern.matrixShape;
  const dense = (3 * rows * n * m) / denseSpeed;
  const { perWeight = 0, perStep } = costs;
  const products = 3 * rows * pattern.size * costs.perKeptWeight(pattern.blockShape);
  return products + n * m * perWeight + perStep < dense;
}

/** @throws TypeError for what are no costs */
export function assertCosts(costs: Costs): void {
  const { perKeptWeight, perWeight = 0, perStep } = (costs ?? {}) as Partial<Costs>;
  const areCosts = [perWeight, perStep].every((cost) => typeof cost === 'number' && cost >= 0);
  if (typeof perKeptWeight === 'function' && areCosts) return;
  const isPromise = typeof (costs as { then?: unknown } | null)?.then === 'function';
  throw new TypeError(
    `costs is ${describeValue(costs)}${isPromise ? ': await it' : ''}, and is to be what measureCosts() resolves to, { perKeptWeight, perStep }`,
  );
}

/** @throws RangeError for what is no factor */
export function assertDenseSpeed(denseSpeed: number): void {
  if (typeof denseSpeed === 'number' && denseSpeed > 0) return;
  throw new RangeError(`denseSpeed = ${describeValue(denseSpeed)} is not a number above 0`);
}

/**
 * The costs on a backend; null where block-sparse products were not found to be faster at any sparsity.
 *
 * @param accelerator what computes the products, dense and block-sparse, in the backend's place: `'blas'`, of
 *   `useAccelerators` of `@espalier/wasm-training`; null for the backend itself
 * @throws TypeError for arguments of other types, RangeError for an accelerator whose costs are not known
 */
export function costsOf(backendName: string, accelerator: string | null = null): Costs | null {
  if (typeof backendName !== 'string') {
    throw new TypeError(
      `backendName is ${describeValue(backendName)}, and is to be text, as tf.getBackend() gives it`,
    );
  }
  if (accelerator !== null && accelerator !== 'blas') {
    throw new RangeError(
      `accelerator = ${describeValue(accelerator)}, and is to be 'blas', or null for the backend's own products`,
    );
  }
  if (backendName === 'wasm') return accelerator ? wasmWithBlas : wasm;
  return backendName === 'cpu' ? cpu : null;
}

/**
 * The kernels' register tile is four weights wide and long: what is left over of a block costs half as much again, a
 * block that is smaller than the tile as much as one of its size, and each block a few multiply-adds to come to it.
 */
const wasm: Costs = {
  perKeptWeight: ([rows, columns]) => {
    const perBlock = 1 + 5.5 / (Math.max(rows, TILE) * Math.max(columns, TILE));
    return 1.15 * perBlock * (idleShare(rows) * idleShare(columns)) ** 0.8;
  },
  perStep: 1e6,
};

const TILE = 4;

/** How much longer a side of a block takes than if the tile fitted into it. */
function idleShare(side: number): number {
  return side < TILE ? TILE / side : 1 + (side % TILE) / (2 * side);
}

/**
 * Both sides by OpenBLAS, in multiply-adds of its dense products: x · W and the gradient by the values go block column by
 * block column, dy · Wᵀ row by row, and the narrower those are, the more is copied for each. Of the whole kernel nothing is
 * gone through: neither its gradient nor, by the optimisers of `@espalier/optimizers`, its update.
 */
const wasmWithBlas: Costs = {
  perKeptWeight: ([rows, columns]) => 1.3 + 22 * (1 / (3 * rows) + 2 / (3 * columns)),
  perStep: 2e6,
};

/** Plain loops, against tfjs' own. */
const cpu: Costs = { perKeptWeight: () => 4.3, perStep: 1e5 };
