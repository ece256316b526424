/** Which kernels of a model are to be stored block-sparse, and by which blocks. */
import { type BlockPattern, wholeUpTo } from '@espalier/blocks';
import {
  allKernels,
  assertModel,
  assertRebuildable,
  isUnderPruning,
  matrixShape,
  type DenseKernelReport,
  type LayerKernel,
  type Shape2D,
} from '@espalier/core';
import type * as tf from '@tensorflow/tfjs';

import { bestPattern, nonZeroPattern } from './best-pattern.js';
import { assertHow, assertKernelsOf, assertStillZero, type HowToCompress } from './how-to-compress.js';
import { productOf } from './layer-product.js';
import { blockSparseClassName, hasBlockSparseForm } from './layers/block-sparse-layer.js';
import { kernelHolders, topologyOf, type KernelHolder } from './model-json.js';
import { layerPaths } from './nested-layers.js';

/** What `compress` does with each kernel of a model: of a layer that two models inside it share, with that of each. */
export interface CompressionReport {
  readonly compressed: readonly CompressedKernelReport[];
  /** The kernels that stay dense, and why. */
  readonly dense: readonly DenseKernelReport[];
}

export interface CompressedKernelReport {
  /** `layer/kernel` */
  readonly name: string;
  readonly matrixShape: Shape2D;
  readonly blockShape: Shape2D;
  readonly gridShape: Shape2D;
  readonly blocks: number;
  readonly keptBlocks: number;
  readonly weights: number;
  readonly keptWeights: number;
  /**
   * On the native TensorFlow backend, predictions of up to so many rows multiply by the whole kernel, which is kept beside
   * its blocks: `wholeUpTo` of `@espalier/blocks`. 0 for none, as of every kernel of more than 1 MB.
   */
  readonly wholeUpTo: number;
  /** Of the whole kernel, which predictions keep beside its blocks on every backend; 0 where they multiply by the blocks. */
  readonly expandedBytes: number;
}

export interface PlannedKernel {
  readonly kernel: LayerKernel;
  /** Of its layer: the names from the outside in. */
  readonly path: string;
  /** The pattern to store it by, or the reason to leave it dense. */
  readonly plan: BlockPattern | string;
}

/**
 * What `compress` would do with each kernel of the model, kernels of frozen layers included.
 *
 * @throws what `compress` throws
 */
export async function compressionReport(
  model: tf.LayersModel,
  how?: HowToCompress,
): Promise<CompressionReport> {
  const compressed: CompressedKernelReport[] = [];
  const dense: DenseKernelReport[] = [];
  for (const { kernel, path, plan } of await plannedKernels(model, how, 'compressionReport()')) {
    const { field, variable } = kernel;
    const name = `${path}/${field}`;
    if (typeof plan === 'string') dense.push({ name, shape: variable.shape, reason: plan });
    else {
      const { grid, blocks: keptBlocks, size: keptWeights } = plan;
      const expandedBytes = computesWithBlocks(kernel) ? 0 : 4 * variable.size;
      const weights = { weights: variable.size, keptWeights };
      const sizes = { keptBlocks, ...weights, wholeUpTo: wholeUpTo(plan), expandedBytes };
      compressed.push({ name, ...grid, ...sizes });
    }
  }
  return { compressed, dense };
}

/**
 * A kernel for each path that its layer has.
 *
 * @param of what plans, for errors
 * @throws TypeError for arguments of other types; Error for a model under pruning; RangeError for a report that is not this
 *   model's, or no longer, and for a model that cannot be built anew
 */
export async function plannedKernels(
  model: tf.LayersModel,
  how: HowToCompress | undefined,
  of: string,
): Promise<PlannedKernel[]> {
  assertModel(model, of);
  assertHow(how, of);
  const kernels = allKernels(model);
  const held = kernels.find(({ variable }) => isUnderPruning(variable));
  if (held) throw new Error(`${held.name} is under pruning: finalize() the run, then compress the model`);
  assertRebuildable(model);
  if (how && 'pruned' in how) assertKernelsOf(how, kernels);
  const holders = new Map(kernelHolders(await topologyOf(model), blockSparseClassName));
  const places = new Map(layerPaths(model));
  const planned: PlannedKernel[] = [];
  for (const kernel of kernels) {
    const first = layerPath(kernel);
    const plan =
      whyNot(kernel, holders.get(first), places.get(first)) ??
      planFor(kernel, (await kernel.variable.data()) as Float32Array, how);
    for (const path of pathsBeside(first, places)) planned.push({ kernel, path, plan });
  }
  return planned;
}

/** Whether the layer that a kernel becomes part of computes with its kept blocks alone. */
function computesWithBlocks({ layer, field, variable }: LayerKernel): boolean {
  if (field === 'embeddings') return true;
  return field === 'kernel' && productOf(layer as unknown as tf.layers.Layer, variable.shape) !== null;
}

/** The path of the layer that a kernel is in, by core the first that it has: its name without the kernel's own. */
function layerPath({ name }: LayerKernel): string {
  return name.slice(0, name.lastIndexOf('/'));
}

/** All paths of the layer that has this one; those of wrappers that hide their layers are not among the places. */
function pathsBeside(path: string, places: ReadonlyMap<string, tf.layers.Layer>): string[] {
  const layer = places.get(path);
  return layer ? [...places.keys()].filter((place) => places.get(place) === layer) : [path];
}

function whyNot(
  { variable }: LayerKernel,
  holder: KernelHolder | undefined,
  layer: tf.layers.Layer | undefined,
): string | null {
  if (variable.shape.length < 2) return 'is stored block-sparse already';
  if (!holder || !layer) return 'lies inside a layer that has no block-sparse form';
  return hasBlockSparseForm(layer) ? null : `a ${holder.className} layer has no block-sparse form`;
}

function planFor(
  { name, variable, kind }: LayerKernel,
  weights: Float32Array,
  how: HowToCompress | undefined,
): BlockPattern | string {
  const matrix = matrixShape(variable.shape, kind);
  const report = how && 'pruned' in how ? how : null;
  const reported = report?.pruned.find((kernel) => kernel.name === name);
  if (report && !reported) {
    return report.dense.find((kernel) => kernel.name === name)?.reason ?? 'not in the report';
  }
  if (reported) assertStillZero(reported, nonZeroPattern(weights, matrix, reported.blockShape));
  const given = reported?.blockShape ?? (how as { blockShape: Shape2D } | undefined)?.blockShape;
  return bestPattern(weights, matrix, given);
}
