/** Finding the kernels of a `tf.LayersModel`. */
import * as tf from '@tensorflow/tfjs';

import type { KernelSource } from './kernel-state.js';

/** The fields in which tfjs layers keep kernels, each with the field of its regularizer. */
export const KERNEL_FIELDS = {
  kernel: 'kernelRegularizer',
  recurrentKernel: 'recurrentRegularizer',
  depthwiseKernel: 'depthwiseRegularizer',
  pointwiseKernel: 'pointwiseRegularizer',
  embeddings: 'embeddingsRegularizer',
} as const;

type KernelField = keyof typeof KERNEL_FIELDS;

/** The fields in which a layer keeps other layers: wrappers, recurrent cells, nested models. */
const NESTED_FIELDS = ['layer', 'forwardLayer', 'backwardLayer', 'cell', 'cells', 'layers'] as const;

/** What we use of a layer that tfjs does not declare. */
export interface OpenLayer {
  readonly name: string;
  _trainableWeights: tf.LayerVariable[];
  _nonTrainableWeights: tf.LayerVariable[];
  _losses: (() => tf.Scalar)[];
  [field: string]: unknown;
}

/** A kernel and the place in its layer that it is read from. */
export interface LayerKernel extends KernelSource {
  readonly layer: OpenLayer;
  readonly field: KernelField;
}

/**
 * Every trainable kernel of a model: of dense, convolutional, depthwise, embedding and recurrent layers.
 *
 * What trains is asked of the model, as a frozen wrapper or recurrent layer does not tell the layers inside it.
 */
export function layerKernels(model: tf.LayersModel): LayerKernel[] {
  const trainable = new Set(model.trainableWeights.map(variableOf));
  return allKernels(model).filter(({ variable }) => trainable.has(variable));
}

/** Every kernel of a model, frozen ones included. */
export function allKernels(model: tf.LayersModel): LayerKernel[] {
  return [...layerPaths(model as unknown as OpenLayer)].flatMap(([layer, path]) =>
    (Object.keys(KERNEL_FIELDS) as KernelField[]).flatMap((field) => {
      const weight = layer[field];
      if (!(weight instanceof tf.LayerVariable)) return [];
      const kind = field === 'depthwiseKernel' ? 'depthwise' : 'other';
      return [{ name: `${path}/${field}`, variable: variableOf(weight), kind, layer, field }];
    }),
  );
}

/**
 * Every layer inside a container with its path there, the names from the outside in. A recurrent layer and its
 * cell share a path: cells are named by tfjs, and the two of a bidirectional layer alike.
 */
function layerPaths(
  container: OpenLayer,
  path = '',
  found = new Map<OpenLayer, string>(),
): Map<OpenLayer, string> {
  for (const field of NESTED_FIELDS) {
    for (const nested of [container[field]].flat()) {
      if (!(nested instanceof tf.layers.Layer)) continue;
      const layer = nested as unknown as OpenLayer;
      if (found.has(layer)) continue;
      const layerPath = field === 'cell' ? path : [path, layer.name].filter(Boolean).join('/');
      found.set(layer, layerPath);
      layerPaths(layer, layerPath, found);
    }
  }
  return found;
}

/** The variable itself, also where `read()` is ours. */
function variableOf(weight: tf.LayerVariable): tf.Variable {
  return (weight as unknown as { val: tf.Variable }).val;
}
