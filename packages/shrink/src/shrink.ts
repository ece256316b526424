/** From a pruned model to a smaller dense one: units and channels that do nothing are taken out. */
import {
  allKernels,
  assertArgument,
  assertModel,
  assertRebuildable,
  isUnderPruning,
  multiplyAdds,
  type PruningReport,
} from '@espalier/core';
import type * as tf from '@tensorflow/tfjs';

import { graphOf, layerPaths } from './graph.js';
import { planOf } from './plan.js';
import { aReport, assertZerosOf } from './pruned-kernels.js';
import { rewritten } from './rewritten.js';
import { shrunkLayers, stayed, type ShrunkLayer, type Stayed } from './what-went.js';

export interface BeforeAndAfter {
  readonly before: number;
  readonly after: number;
}

export interface ShrinkReport {
  /** Numbers of the model, those that do not train among them. */
  readonly parameters: BeforeAndAfter;
  /** Of one example, in kernels; null where a length is free, or channels come first. */
  readonly multiplyAdds: BeforeAndAfter | null;
  /** The layers that have weights. */
  readonly layers: readonly ShrunkLayer[];
  /** Inputs and outputs of kernels that are zero, and stay all the same; empty where there are none. */
  readonly stayed: readonly Stayed[];
}

export interface Shrunk {
  readonly model: tf.LayersModel;
  readonly report: ShrinkReport;
}

/**
 * A smaller copy of the model, of plain layers, that predicts the same up to rounding: without the units and channels whose
 * kernels are zero, in the layers that make them and in all that pass them on or compute with them. A unit that is
 * constant, as one with nothing but zeros for a kernel, is added to the biases behind it.
 *
 * The zeros of the weights alone decide, whatever pruned them. What goes are whole rows and columns, in a convolution
 * with all of their taps: prune in blocks as long as a kernel is, `[n, 1]` or `[1, m]`. The copy has its inputs and outputs
 * as they were, is not compiled, and the model that was given stays as it is. A layer that two models inside it share
 * becomes one in each.
 *
 * @param model finalised, or loaded from a file
 * @param pruned the report of `pruning.finalize()`: the blocks that it tells of must be zero still
 * @throws TypeError for arguments of other types; Error for a model that is under pruning; RangeError for a report of another
 *   model, or of one that was trained since, for weights that are not finite, and for a model of which a copy would
 *   compute something else
 *
 * @example
 * ```ts
 * import { shrink } from '@espalier/shrink';
 * import * as tf from '@tensorflow/tfjs';
 *
 * const model = tf.sequential({
 *   layers: [tf.layers.dense({ units: 3, inputShape: [2] }), tf.layers.dense({ units: 1 })],
 * });
 * // The second of three units has no weights: it is its bias, 5, which goes to the layer behind it.
 * const [kernel, next] = [tf.tensor2d([[1, 0, 2], [3, 0, 4]]), tf.tensor2d([[1], [2], [3]])];
 * model.setWeights([kernel, tf.tensor1d([0, 5, 0]), next, tf.zeros([1])]);
 *
 * const { model: small, report } = await shrink(model);
 * console.log(report.parameters); // { before: 13, after: 9 }
 * console.log([...small.getWeights()[3]!.dataSync()]); // [ 10 ]
 * ```
 */
export async function shrink(model: tf.LayersModel, pruned?: PruningReport): Promise<Shrunk> {
  assertModel(model, 'shrink()');
  const kernels = allKernels(model);
  const held = kernels.find(({ variable }) => isUnderPruning(variable));
  if (held) throw new Error(`${held.name} is under pruning: finalize() the run, then shrink the model`);
  assertRebuildable(model);
  if (pruned !== undefined) {
    assertArgument('shrink()', 'pruned', pruned, aReport);
    await assertZerosOf(pruned, kernels);
  }
  const graph = graphOf(model);
  const paths = new Map([...layerPaths(model)].map(([path, layer]) => [layer, path] as const));
  const plan = await planOf(graph, paths);
  const small = await rewritten(model, plan);
  const [before, after] = [model, small].map((each) => multiplyAdds(each, null)?.dense ?? null);
  return {
    model: small,
    report: {
      parameters: { before: model.countParams(), after: small.countParams() },
      multiplyAdds: before === null || after === null ? null : { before: before!, after: after! },
      layers: shrunkLayers(model, small, plan),
      stayed: await stayed(plan, kernels),
    },
  };
}
