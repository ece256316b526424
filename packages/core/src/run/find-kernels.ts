/** Finding the kernels of a `tf.LayersModel`, and what else of it stays dense. */
import { anInstance, assertArgument } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { DenseKernelReport } from '../report.js';
import type { KernelSource } from './kernel-state.js';

/** The fields in which tfjs layers keep kernels, each with the field of its regularizer. */
const KERNEL_FIELDS: Readonly<Record<string, string>> = {
  kernel: 'kernelRegularizer',
  recurrentKernel: 'recurrentRegularizer',
  depthwiseKernel: 'depthwiseRegularizer',
  pointwiseKernel: 'pointwiseRegularizer',
  embeddings: 'embeddingsRegularizer',
};

/**
 * A layer of one's own that says which of its weights are kernels, so that they can be pruned. It has to read them as
 * tfjs' own layers do, by `this.<field>.read()`, at every call.
 */
export interface PrunableLayer extends tf.layers.Layer {
  /** The fields that hold a kernel, each as `addWeight` gave it: `['wq', 'wk', 'wv']`. Asked for once it is built. */
  prunableFields(): readonly string[];
}

/** A layer that holds a kernel in a form that cannot be pruned as it is, as one that is stored block-sparse. */
interface UnprunableLayer extends tf.layers.Layer {
  /** Why, and what to do: the end of a sentence, without a full stop. */
  whyNotPrunable(): string;
}

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
  readonly field: string;
}

const aModel = anInstance(tf.LayersModel, 'a tf.LayersModel');

/**
 * Every trainable kernel of a model: of dense, convolutional, depthwise, embedding and recurrent layers, and of layers
 * that are `PrunableLayer`s.
 *
 * What trains is asked of the model, as a frozen wrapper or recurrent layer does not tell the layers inside it.
 */
export function layerKernels(model: tf.LayersModel): LayerKernel[] {
  assertArgument('layerKernels()', 'model', model, aModel);
  const trainable = new Set(model.trainableWeights.map(variableOf));
  return allKernels(model).filter(
    ({ variable, layer }) => trainable.has(variable) && !('whyNotPrunable' in layer),
  );
}

/** Every kernel of a model, frozen ones included. Of those whose layers share a path and a name, the later are counted. */
export function allKernels(model: tf.LayersModel): LayerKernel[] {
  assertArgument('allKernels()', 'model', model, aModel);
  const times = new Map<string, number>();
  return [...layerPaths(model as unknown as OpenLayer)]
    .flatMap(([layer, path]) => kernelsOf(layer, path))
    .map((kernel) => {
      const time = (times.get(kernel.name) ?? 0) + 1;
      times.set(kernel.name, time);
      return time === 1 ? kernel : { ...kernel, name: `${kernel.name}_${time}` };
    });
}

/** Every weight of a model by its path, in an order that does not depend on which layers are frozen. */
export function allWeights(model: tf.LayersModel): { name: string; variable: tf.Variable }[] {
  const found = new Map<tf.Variable, string>();
  for (const [layer, path] of layerPaths(model as unknown as OpenLayer)) {
    for (const weight of [...layer._trainableWeights, ...layer._nonTrainableWeights]) {
      const variable = variableOf(weight);
      if (!found.has(variable)) found.set(variable, `${path}/${weight.originalName.split('/').at(-1)}`);
    }
  }
  // Of a layer that keeps its weights elsewhere.
  for (const weight of model.weights) {
    if (!found.has(variableOf(weight))) found.set(variableOf(weight), weight.originalName);
  }
  return [...found].map(([variable, name]) => ({ name, variable }));
}

/**
 * What a run over the model leaves dense whatever its target: kernels that do not train, and other weights of two axes
 * or more. Of one axis are biases and scales, which nobody expects to be pruned.
 *
 * @param kernels those of the model that train
 */
export function leftDense(model: tf.LayersModel, kernels: readonly LayerKernel[]): DenseKernelReport[] {
  const taken = new Set(kernels.map(({ variable }) => variable));
  const frozen = allKernels(model).filter(({ variable }) => !taken.has(variable));
  for (const { variable } of frozen) taken.add(variable);
  const others = [...layerPaths(model as unknown as OpenLayer)].flatMap(([layer, path]) =>
    layer._trainableWeights
      .filter((weight) => weight.shape.length > 1 && !taken.has(variableOf(weight)))
      .map((weight) => ({
        name: `${path}/${weight.originalName.split('/').at(-1)}`,
        shape: weight.shape as number[],
        reason: whyNotKernel(layer),
      })),
  );
  return [
    ...frozen.map(({ name, variable, layer }) => ({
      name,
      shape: variable.shape,
      reason: unprunable(layer) ?? 'frozen: it does not train',
    })),
    ...others,
  ];
}

/** The layers that hold a kernel which cannot be pruned as it is, and train: by their path, with the reason. */
export function unprunableLayers(model: tf.LayersModel): { path: string; reason: string }[] {
  const trainable = new Set(model.trainableWeights.map(variableOf));
  return [...layerPaths(model as unknown as OpenLayer)].flatMap(([layer, path]) => {
    const reason = unprunable(layer);
    const trains = layer._trainableWeights.some((weight) => trainable.has(variableOf(weight)));
    return trains && reason !== null ? [{ path, reason }] : [];
  });
}

/** The path of a layer that goes on from the state of the call before; null where there is none. */
export function statefulLayer(model: tf.LayersModel): string | null {
  const found = [...layerPaths(model as unknown as OpenLayer)].find(([layer]) => layer['stateful'] === true);
  return found?.[1] ?? null;
}

function unprunable(layer: OpenLayer): string | null {
  const { whyNotPrunable } = layer as Partial<UnprunableLayer>;
  return whyNotPrunable?.call(layer) ?? null;
}

function whyNotKernel(layer: OpenLayer): string {
  const { getClassName } = layer as unknown as tf.layers.Layer;
  return (
    `no kernel that is known of a ${getClassName.call(layer)} layer: ` +
    'one of your own says which of its weights are, by prunableFields()'
  );
}

function kernelsOf(layer: OpenLayer, path: string): LayerKernel[] {
  const own = ownFields(layer, path);
  const known = Object.keys(KERNEL_FIELDS).filter((field) => layer[field] instanceof tf.LayerVariable);
  return [...new Set([...known, ...own])].map((field) => ({
    name: `${path}/${field}`,
    variable: variableOf(layer[field] as tf.LayerVariable),
    kind: field === 'depthwiseKernel' ? 'depthwise' : 'other',
    layer,
    field,
  }));
}

/** @throws TypeError for a field that holds no weight */
function ownFields(layer: OpenLayer, path: string): readonly string[] {
  const { prunableFields } = layer as Partial<PrunableLayer>;
  if (typeof prunableFields !== 'function') return [];
  const fields = prunableFields.call(layer);
  const wrong = fields.find((field) => !(layer[field] instanceof tf.LayerVariable));
  if (wrong === undefined) return fields;
  throw new TypeError(
    `The layer ${path} says by prunableFields() that its field '${wrong}' is a kernel, where it has ` +
      `${layer[wrong] === undefined ? 'nothing' : `no weight of addWeight(), but ${typeof layer[wrong]}`}: ` +
      'name the fields that hold what addWeight() returned, once the layer is built',
  );
}

/** The regularizer that the layer has for this kernel, where tfjs gives it one. */
export function regularizerOf({ layer, field }: LayerKernel): { apply(x: tf.Tensor): tf.Scalar } | null {
  const name = KERNEL_FIELDS[field];
  return ((name !== undefined && layer[name]) || null) as { apply(x: tf.Tensor): tf.Scalar } | null;
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
export function variableOf(weight: tf.LayerVariable): tf.Variable {
  return (weight as unknown as { val: tf.Variable }).val;
}
