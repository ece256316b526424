/**
 * Finding the kernels of a `tf.LayersModel`, and making its layers compute with their effective weights.
 *
 * A tfjs layer reads its weight by `this.kernel.read()` at every call. Putting an object with a `read()` of
 * our own in that place is enough: `fit`, `evaluate` and `predict` then use the effective weight, gradients
 * included, and the model is not rewritten.
 */
import type { BlockMask } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { KernelSource, KernelState } from './kernel-state.js';
import type { SparseCall, SparseExecution } from './sparse-execution.js';

/** The fields in which tfjs layers keep kernels, each with the field of its regularizer. */
const KERNEL_FIELDS = {
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
interface OpenLayer {
  readonly name: string;
  _trainableWeights: tf.LayerVariable[];
  _nonTrainableWeights: tf.LayerVariable[];
  _losses: (() => tf.Scalar)[];
  [field: string]: unknown;
}

type Regularizer = { apply(x: tf.Tensor): tf.Scalar };

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

/**
 * Makes the layer compute with the kernel's effective weight, and train what the parameterisation added,
 * under the kernel's own regularizer if it has one. Under a mask, the layer computes by `sparsePhases` where that
 * serves it.
 *
 * @returns a function that undoes it
 */
export function hookLayer(
  kernel: LayerKernel,
  state: KernelState,
  sparsePhases: SparseExecution | null,
): () => void {
  const undoWeights = hookWeights(kernel, state);
  const undoCall = sparsePhases ? hookCall(kernel, state, sparsePhases) : () => {};
  return () => {
    undoCall();
    undoWeights();
  };
}

type LayerCall = (inputs: tf.Tensor | tf.Tensor[], kwargs: unknown) => tf.Tensor | tf.Tensor[];

/**
 * Puts the sparse call in the place of the layer's own, wherever the mask allows it. A call that someone else has put
 * there, or that stands for another kernel of the layer, computes what no execution knows of: it is left alone.
 */
function hookCall({ layer, field }: LayerKernel, state: KernelState, execution: SparseExecution): () => void {
  if (Object.hasOwn(layer, 'call')) return () => {};
  const denseCall = layer['call'] as LayerCall;
  let planned: { readonly mask: BlockMask; readonly call: SparseCall | null } | null = null;

  const sparseCall = (): SparseCall | null => {
    if (!state.runsSparse) return null;
    const { mask, grid, variable } = state;
    if (planned?.mask !== mask) {
      const kernel = {
        layer: layer as unknown as tf.layers.Layer,
        field,
        kernelShape: variable.shape,
        grid,
        mask,
      };
      planned = { mask, call: execution.callOf(kernel) };
    }
    return planned.call;
  };
  const call: LayerCall = (inputs, kwargs) => {
    const [x, ...others] = [inputs].flat() as [tf.Tensor, ...tf.Tensor[]];
    const sparse = others.length === 0 ? sparseCall()?.(x, () => state.factors()) : null;
    return sparse ?? denseCall.call(layer, inputs, kwargs);
  };
  layer['call'] = call;
  return () => {
    if (layer['call'] === call) delete layer['call'];
  };
}

function hookWeights({ layer, field }: LayerKernel, state: KernelState): () => void {
  const original = layer[field] as tf.LayerVariable;
  const named = ([name, variable]: [string, tf.Variable]) => layerWeight(`${field}_${name}`, variable);
  const added = Object.entries(state.trainables).map(named);
  const buffers = Object.entries(state.buffers).map(named);
  const regularizer = layer[KERNEL_FIELDS[field]] as Regularizer | null | undefined;
  const losses = regularizer ? added.map((weight) => () => regularizer.apply(weight.read())) : [];

  layer[field] = Object.create(original, { read: { value: () => state.effective() } });
  layer._trainableWeights = [...layer._trainableWeights, ...added];
  layer._nonTrainableWeights = [...layer._nonTrainableWeights, ...buffers];
  layer._losses = [...layer._losses, ...losses];
  return () => {
    layer[field] = original;
    layer._trainableWeights = layer._trainableWeights.filter((weight) => !added.includes(weight));
    layer._nonTrainableWeights = layer._nonTrainableWeights.filter((weight) => !buffers.includes(weight));
    layer._losses = layer._losses.filter((loss) => !losses.includes(loss));
  };
}

/** A layer's weight that holds a given variable. tfjs' constructor makes a variable of its own, let go of here. */
function layerWeight(name: string, variable: tf.Variable): tf.LayerVariable {
  const weight = new tf.LayerVariable(variable, 'float32', name, variable.trainable);
  const open = weight as unknown as { val: tf.Variable };
  open.val.dispose();
  open.val = variable;
  return weight;
}

/** Makes a model that was compiled already train the weights that its layers have now. */
export function recollectTrainableWeights(model: tf.LayersModel): void {
  interface Compiled {
    collectedTrainableWeights?: tf.LayerVariable[];
    /** A `tf.Sequential` trains through a functional model inside it. */
    model?: Compiled;
  }
  const outer = model as unknown as Compiled;
  for (const compiled of [outer, outer.model]) {
    if (compiled?.collectedTrainableWeights) compiled.collectedTrainableWeights = model.trainableWeights;
  }
}
