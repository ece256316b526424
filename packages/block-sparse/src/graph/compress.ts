/**
 * Graph models, as tfjs-converter makes them of TensorFlow's: their weights are constants and their layers are gone, so that
 * they are not pruned; what was pruned before is stored by its kept blocks.
 *
 * The graph is rewritten in its file: in the place of a kernel stand its kept values, in that of the node which multiplies by it
 * one of ours. All else, names included, stays as it is.
 */
import {
  assertBlockShape,
  assertKnownOptions,
  type BlockPattern,
  blocksOfPattern,
  describeValue,
  patternText,
  wholeUpTo,
} from '@espalier/blocks';
import type { DenseKernelReport, Shape2D } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import type { CompressedKernelReport, CompressionReport } from '../compression-plan.js';
import { bytesOfWeights } from '../files/weight-bytes.js';
import { plannedConstants, type PlannedConstant, type StoredConstant } from './plan.js';
import { assertTopology, nodeOf, numbersAttribute, textAttribute, type Topology } from './topology.js';

/** How the blocks of a graph model are found: by its zeros, of one shape or of whichever takes the fewest bytes. */
export interface HowToCompressGraph {
  /** Inputs by outputs; `(h · w · in)` by `out` for a convolution. */
  readonly blockShape?: Shape2D;
}

/**
 * A copy of a graph model that stores and computes with the kept blocks of its kernels alone, for a model that was pruned where
 * it was made: constants that a product, a convolution with channels last, or a look-up of rows reads, and that have blocks of
 * zeros. It predicts the same, is saved as any other, and `tf.loadGraphModel` reads it once `@espalier/block-sparse` is
 * imported. Rounded weights (float16, uint16, uint8 of the converter) stay rounded.
 *
 * @throws TypeError for arguments of other types; RangeError for a graph that cannot be computed, or whose weights are not its
 *   constants'
 */
export async function compressGraphModel(
  model: tf.GraphModel,
  how: HowToCompressGraph = {},
): Promise<tf.GraphModel> {
  const { artifacts, topology, planned } = await read(model, how, 'compressGraphModel()');
  const plans = new Map(
    planned.flatMap(({ name, plan }) => (typeof plan === 'string' ? [] : [[name, plan]])),
  );
  const { specs, bytes } = await weightsOf(model, artifacts);
  const parts = specs.map((spec, i) => {
    const plan = plans.get(spec.name);
    return plan ? keptNumbers(bytes[i]!, spec, plan) : bytes[i]!;
  });
  const weightSpecs = specs.map((spec) => {
    const plan = plans.get(spec.name);
    return plan ? { ...spec, shape: [plan.pattern.size] } : spec;
  });
  const { getWeightStream: _, ...rest } = artifacts;
  return tf.loadGraphModel(
    tf.io.fromMemory({
      ...rest,
      ...{ modelTopology: rewritten(topology, plans), weightSpecs, weightData: joined(parts) },
    }),
  );
}

/**
 * What `compressGraphModel` would do with each constant of two axes or more, by the name of its node.
 *
 * @throws what `compressGraphModel` throws
 */
export async function graphCompressionReport(
  model: tf.GraphModel,
  how: HowToCompressGraph = {},
): Promise<CompressionReport> {
  const { planned } = await read(model, how, 'graphCompressionReport()');
  const compressed: CompressedKernelReport[] = [];
  const dense: DenseKernelReport[] = [];
  for (const { name, shape, plan } of planned) {
    if (typeof plan === 'string') dense.push({ name, shape, reason: plan });
    else compressed.push({ name, ...sizesOf(plan.pattern) });
  }
  return { compressed, dense };
}

function sizesOf(pattern: BlockPattern): Omit<CompressedKernelReport, 'name'> {
  const { grid, blocks, size, matrixShape } = pattern;
  const weights = matrixShape[0] * matrixShape[1];
  const kept = { keptBlocks: blocks, weights, keptWeights: size };
  return { ...grid, ...kept, wholeUpTo: wholeUpTo(pattern), expandedBytes: 0 };
}

interface Read {
  readonly artifacts: tf.io.ModelArtifacts;
  readonly topology: Topology;
  readonly planned: readonly PlannedConstant[];
}

async function read(model: tf.GraphModel, how: HowToCompressGraph, of: string): Promise<Read> {
  if (!(model instanceof tf.GraphModel)) {
    const wayOut = (model as unknown) instanceof tf.LayersModel ? ': compress() takes that' : '';
    throw new TypeError(`${of} takes a tf.GraphModel, it is given ${describeValue(model)}${wayOut}`);
  }
  assertKnownOptions(how, ['blockShape'], of);
  if (how.blockShape !== undefined) assertBlockShape(how.blockShape);
  let artifacts: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (own) => {
      artifacts = { ...own };
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  if (!artifacts?.weightSpecs)
    throw new RangeError(`${of}: the graph model is not loaded, or has no weights`);
  const { modelTopology: topology } = artifacts;
  assertTopology(topology);
  const { weights, outputNodes } = model;
  const outputs = new Set([...outputNodes, ...signatureOutputs(artifacts)].map(nodeOf));
  const planned = await plannedConstants(topology, weights, outputs, how.blockShape);
  const known = new Set(artifacts.weightSpecs.map(({ name }) => name));
  return { artifacts, topology, planned: planned.filter(({ name }) => known.has(name)) };
}

/** The names of nodes that the model's signature has as outputs. */
function signatureOutputs({ signature, userDefinedMetadata }: tf.io.ModelArtifacts): string[] {
  const own = (userDefinedMetadata as { signature?: object } | undefined)?.signature ?? signature;
  const { outputs = {} } = (own ?? {}) as { outputs?: Record<string, { name?: string }> };
  return Object.values(outputs).flatMap(({ name }) => (name === undefined ? [] : [name]));
}

/** A copy of the graph with other nodes in the places of those that read what is stored block-sparse. */
function rewritten(topology: Topology, plans: ReadonlyMap<string, StoredConstant>): Topology {
  const copy = structuredClone(topology) as Topology;
  const nodes = new Map(copy.node.map((node) => [node.name, node]));
  for (const [name, { pattern, readers }] of plans) {
    const { matrixShape, blockShape, pointers, indices } = patternText(pattern);
    const tensor = nodes.get(name)!.attr?.['value']?.tensor;
    if (tensor?.tensorShape) tensor.tensorShape = { dim: [{ size: String(pattern.size) }] };
    for (const { node, use } of readers) {
      Object.assign(nodes.get(node.name)!, {
        op: use.op,
        attr: {
          ...use.attributes,
          matrix_shape: numbersAttribute(matrixShape),
          block_shape: numbersAttribute(blockShape),
          pointers: textAttribute(pointers),
          indices: textAttribute(indices),
        },
      });
    }
  }
  return copy;
}

/** The weights as the file had them; of a model that was loaded as a stream, those of its tensors. */
async function weightsOf(
  { weights }: tf.GraphModel,
  { weightSpecs = [], weightData }: tf.io.ModelArtifacts,
): Promise<{ readonly specs: tf.io.WeightsManifestEntry[]; readonly bytes: readonly Uint8Array[] }> {
  if (weightData === undefined) {
    const tensors = weightSpecs.map(({ name }) => ({ name, tensor: weights[name]![0]! }));
    const { data, specs } = await tf.io.encodeWeights(tensors);
    return weightsOf({ weights } as tf.GraphModel, { weightSpecs: specs, weightData: data });
  }
  const bytes = bytesOfWeights({ weightSpecs, weightData }).map(({ bytes: own }) => own);
  return { specs: weightSpecs, bytes };
}

/** Of the numbers of a kernel, however many bytes each takes, those of the kept blocks in the order of storage. */
function keptNumbers(
  bytes: Uint8Array,
  { shape }: tf.io.WeightsManifestEntry,
  { pattern, isTransposed }: StoredConstant,
): Uint8Array {
  const each = bytes.length / tf.util.sizeFromShape(shape);
  const [n, m] = pattern.matrixShape;
  const kept = new Uint8Array(pattern.size * each);
  for (const { top, left, height, width, offset } of blocksOfPattern(pattern)) {
    for (let i = 0; i < height * width; i++) {
      const [row, column] = [top + Math.floor(i / width), left + (i % width)];
      const from = each * (isTransposed ? column * n + row : row * m + column);
      kept.set(bytes.subarray(from, from + each), each * (offset + i));
    }
  }
  return kept;
}

function joined(parts: readonly Uint8Array[]): ArrayBuffer {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.buffer;
}
