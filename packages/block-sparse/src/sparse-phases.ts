/**
 * Sparse phases that run sparse: the execution that `sparsify` takes as `target.sparsePhases`.
 *
 * While a mask leaves blocks out, a layer gathers the raw weights of the kept blocks, makes their effective weights,
 * and multiplies by those. The result and every gradient are those of the masked dense product, up to rounding.
 */
import { assertKnownOptions, gatherBlocks, scaleBlockValues, type TrainingMask } from '@espalier/blocks';
import type { MaskedKernel, SparseCall, SparseExecution, WeightFactors } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { assertCosts, assertDenseSpeed, costsOf, sparseIsFaster, type Costs } from './cost.js';
import { productOf } from './layer-product.js';

export interface SparsePhasesOptions {
  /**
   * What products cost on the backend in use, by which each layer's choice between dense and sparse is made; the
   * package's own figures when absent. `always` computes every layer that can be with its kept blocks alone.
   */
  readonly costs?: Costs | 'always';
  /**
   * How many times faster the dense products are than the backend's own, above 0; 1 when absent. With a BLAS library
   * they are about twice as fast, and sparse products pay at higher sparsities only.
   */
  readonly denseSpeed?: number;
}

/**
 * Layers whose kernels are under pruning compute with their kept blocks alone wherever that is estimated to be
 * faster: dense and convolution layers (`channelsLast`) do, others stay dense. The choice depends on shapes and
 * costs only: by the package's own figures, a run is the same each time.
 *
 * @throws TypeError, RangeError for an option that there is not, or that is of another kind
 *
 * @example
 * ```ts
 * import { acdc } from '@espalier/acdc';
 * import { sparsePhases } from '@espalier/block-sparse';
 * import { sparsify } from '@espalier/core';
 * import * as tf from '@tensorflow/tfjs';
 *
 * const model = tf.sequential({ layers: [tf.layers.dense({ units: 64, inputShape: [64] })] });
 * model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
 * const target = { sparsity: 0.9, blockShape: [4, 4], totalSteps: 100 } as const;
 * const pruning = await sparsify(model, acdc(), { ...target, sparsePhases: sparsePhases() });
 * console.log(pruning.phase); // dense
 * ```
 */
export function sparsePhases(options: SparsePhasesOptions = {}): SparseExecution {
  assertKnownOptions(options, ['costs', 'denseSpeed'], 'sparsePhases()');
  const { costs, denseSpeed = 1 } = options;
  if (costs !== undefined && costs !== 'always') assertCosts(costs);
  assertDenseSpeed(denseSpeed);
  return {
    callOf: ({ layer, field, kernelShape, trainingMask }: MaskedKernel): SparseCall | null => {
      const product = field === 'kernel' ? productOf(layer, kernelShape) : null;
      if (!product) return null;
      const { pattern } = trainingMask;
      return (inputs, factors) => {
        const known = costs ?? costsOf(tf.getBackend());
        const worthIt =
          known === 'always' ||
          (known !== null && sparseIsFaster(product.rows(inputs), pattern, known, denseSpeed));
        if (!worthIt) return null;
        return tf.tidy(() => product.apply(inputs, keptValues(factors(), trainingMask), pattern));
      };
    },
  };
}

/** The effective weights of the kept blocks, `[size]`; differentiable. */
function keptValues({ raw, elementwise, blockScale }: WeightFactors, mask: TrainingMask): tf.Tensor1D {
  const { pattern } = mask;
  const kept = gatherBlocks(raw, mask);
  const values = elementwise
    ? elementwise(kept.reshape<tf.Tensor2D>([pattern.size, 1])).reshape<tf.Tensor1D>([pattern.size])
    : kept;
  return blockScale ? scaleBlockValues(values, blockScale, pattern) : values;
}
