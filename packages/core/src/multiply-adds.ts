/**
 * How many multiply-adds one example takes in a model's kernels: what pruning saves at best. Biases, activations and
 * normalisations, which no kernel is of, are not counted.
 */
import type * as tf from '@tensorflow/tfjs';

import type { PruningReport } from './report.js';
import { allKernels, type LayerKernel } from './run/find-kernels.js';

export interface MultiplyAdds {
  /** Of the dense model. */
  readonly dense: number;
  /** At weights that are in kept blocks, or in kernels that were not pruned. */
  readonly kept: number;
  /** In kernels that were left dense. */
  readonly leftDense: number;
}

/** What we use of tfjs' models and layers that it does not declare. */
interface Container {
  readonly nodesByDepth: Readonly<Record<string, readonly Call[]>>;
}

interface Call {
  readonly outboundLayer: OpenLayer;
  readonly inputShapes: readonly Shape[];
  readonly outputShapes: readonly Shape[];
}

type Shape = readonly (number | null)[];

interface OpenLayer extends Partial<Container> {
  readonly [field: string]: unknown;
  getClassName(): string;
}

/** The fields in which wrappers and recurrent layers keep other layers. */
const NESTED = ['layer', 'forwardLayer', 'backwardLayer', 'cell', 'cells'] as const;
const RECURRENT = ['RNN', 'SimpleRNN', 'GRU', 'LSTM', 'ConvLSTM2D', 'Bidirectional'];

/**
 * @param report null for a model that was not pruned
 * @returns null where it cannot be known: a layer's output has a length that is free, channels come first, a model is
 *   within a wrapper
 */
export function multiplyAdds(model: tf.LayersModel, report: PruningReport | null): MultiplyAdds | null {
  const prunedShare = new Map(
    report?.pruned.map(({ name, prunedWeights, weights }) => [name, prunedWeights / weights]),
  );
  const sums = { dense: 0, kept: 0, leftDense: 0 };
  const kernels = allKernels(model);
  const called = new Set<string>();
  for (const call of callsOf(model as unknown as OpenLayer)) {
    const within = layersWithin(call.outboundLayer);
    const times = timesOf(call);
    for (const { name, variable, layer } of kernels) {
      if (!within.has(layer as unknown as OpenLayer)) continue;
      called.add(name);
      const count = variable.size * (isLookedUp(layer) ? 0 : times);
      if (Number.isNaN(count)) return null;
      const pruned = prunedShare.get(name);
      sums.dense += count;
      sums.kept += count * (1 - (pruned ?? 0));
      if (pruned === undefined) sums.leftDense += count;
    }
  }
  // One of a model within a wrapper, or of a layer that nobody calls in a way that is known.
  return kernels.every(({ name }) => called.has(name)) ? sums : null;
}

/** Every call of a layer in the model, those in models within it among them. */
function* callsOf(container: OpenLayer): Generator<Call> {
  const { nodesByDepth = {} } = built(container);
  for (const call of Object.values(nodesByDepth).flat()) {
    const { outboundLayer } = call;
    if (outboundLayer.nodesByDepth || isSequential(outboundLayer)) yield* callsOf(outboundLayer);
    else yield call;
  }
}

/** A sequential model keeps another, which it builds when it is first asked for. */
function built(container: OpenLayer): OpenLayer {
  if (!isSequential(container)) return container;
  if (!container['model']) (container as unknown as tf.Sequential).build();
  return container['model'] as OpenLayer;
}

function isSequential(layer: OpenLayer): boolean {
  return layer.getClassName() === 'Sequential';
}

function layersWithin(layer: OpenLayer): Set<OpenLayer> {
  const nested = NESTED.flatMap((field) => [layer[field] ?? []].flat() as OpenLayer[]);
  return new Set([layer, ...nested.flatMap((inner) => [...layersWithin(inner)])]);
}

/** How often a kernel's weights are multiplied in one call: NaN where a length is free. */
function timesOf({ outboundLayer, inputShapes, outputShapes }: Call): number {
  const [input = [], output = []] = [inputShapes[0], outputShapes[0]];
  const kind = outboundLayer.getClassName();
  if (outboundLayer['dataFormat'] === 'channelsFirst') return NaN;
  if (kind === 'Conv2DTranspose' || kind === 'Conv3DTranspose') return positions(input);
  if (!RECURRENT.includes(kind)) return positions(output);
  // At each time; a convolutional one at each place of its image, too.
  const image = kind === 'ConvLSTM2D' ? positions(output.slice(output.length === 5 ? 1 : 0)) : 1;
  return (input[1] ?? NaN) * image;
}

/** Of `[batch, …places, channels]`. */
function positions(shape: Shape): number {
  return shape.slice(1, -1).reduce<number>((product, length) => product * (length ?? NaN), 1);
}

/** Rows are taken out of an embedding, not multiplied. */
function isLookedUp(layer: LayerKernel['layer']): boolean {
  return (layer as unknown as OpenLayer).getClassName() === 'Embedding';
}
