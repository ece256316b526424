/**
 * Making the layers of a `tf.LayersModel` compute with the effective weights of their kernels.
 *
 * A tfjs layer reads its weight by `this.kernel.read()` at every call. Putting an object with a `read()` of
 * our own in that place is enough: `fit`, `evaluate` and `predict` then use the effective weight, gradients
 * included, and the model is not rewritten.
 */
import type { TrainingMask } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { regularizerOf, type LayerKernel } from './find-kernels.js';
import { isUnderPruning } from './held-variables.js';
import type { KernelState } from './kernel-state.js';
import { hideAdded, showEffective, showPlain } from './model-weights.js';
import type { SparseCall, SparseExecution } from './sparse-execution.js';

/** What takes a run out of a layer, in two parts. */
export interface LayerHook {
  /** Takes out what the parameterisation added. The kernel is read under its mask still. */
  settle(): void;
  /** Takes the rest out. */
  release(): void;
}

/** What a run is told of. */
export interface LayerEvents {
  /** The layer is about to compute. */
  onUse(): void;
  /** The layer's weight was set from outside. */
  onSet(): void;
}

/**
 * Makes the layer compute with the kernel's effective weight, and train what the parameterisation added,
 * under the kernel's own regularizer if it has one (but for what has a learning rate of its own). Under a mask, the layer computes by `sparsePhases` where that
 * serves it.
 *
 * @param told of what happens to the layer from outside
 */
export function hookLayer(
  kernel: LayerKernel,
  state: KernelState,
  sparsePhases: SparseExecution | null,
  told: LayerEvents,
): LayerHook {
  const removeAdded = hookAdded(kernel, state);
  const undoRead = hookRead(kernel, state, told);
  const undoCall = sparsePhases ? hookCall(kernel, state, sparsePhases, told) : () => {};
  return {
    settle: removeAdded,
    release: () => {
      undoCall();
      undoRead();
    },
  };
}

type LayerCall = (inputs: tf.Tensor | tf.Tensor[], kwargs: unknown) => tf.Tensor | tf.Tensor[];

/**
 * Puts the sparse call in the place of the layer's own, wherever the mask allows it. A call that someone else has put
 * there, or that stands for another kernel of the layer, computes what no execution knows of: it is left alone.
 */
function hookCall(
  { layer, field }: LayerKernel,
  state: KernelState,
  execution: SparseExecution,
  { onUse }: LayerEvents,
): () => void {
  if (Object.hasOwn(layer, 'call')) return () => {};
  const denseCall = layer['call'] as LayerCall;
  let planned: { readonly trainingMask: TrainingMask; readonly call: SparseCall | null } | null = null;

  const sparseCall = (): SparseCall | null => {
    const trainingMask = state.sparseMask;
    if (!trainingMask) return null;
    if (planned?.trainingMask !== trainingMask) {
      const kernel = {
        layer: layer as unknown as tf.layers.Layer,
        field,
        kernelShape: state.variable.shape,
        trainingMask,
      };
      planned = { trainingMask, call: execution.callOf(kernel) };
    }
    return planned.call;
  };
  const call: LayerCall = (inputs, kwargs) => {
    onUse();
    const [x, ...others] = [inputs].flat() as [tf.Tensor, ...tf.Tensor[]];
    const sparse = others.length === 0 ? sparseCall()?.(x, () => state.factors()) : null;
    return sparse ?? denseCall.call(layer, inputs, kwargs);
  };
  layer['call'] = call;
  return () => {
    if (layer['call'] === call) delete layer['call'];
  };
}

/** Puts a weight in the layer's field that reads as the effective one. */
function hookRead({ layer, field }: LayerKernel, state: KernelState, told: LayerEvents): () => void {
  const original = layer[field] as tf.LayerVariable;
  const read = () => {
    told.onUse();
    return state.effective();
  };
  layer[field] = Object.create(original, { read: { value: read } });
  showEffective(original, {
    effective: () => state.show(),
    settingOf: (value) => {
      const set = state.settingOf(value);
      return () => {
        set();
        told.onSet();
      };
    },
    isRaw: () => isUnderPruning(state.variable),
  });
  return () => {
    layer[field] = original;
    showPlain(original);
  };
}

/** Adds to the layer's weights what the parameterisation did to the kernel. */
function hookAdded(kernel: LayerKernel, state: KernelState): () => void {
  const { layer, field } = kernel;
  const named = ([name, variable]: [string, tf.Variable]) => layerWeight(`${field}_${name}`, variable);
  const added = Object.entries(state.trainables).map(named);
  const buffers = Object.entries(state.buffers).map(named);
  const regularizer = regularizerOf(kernel);
  const owns = new Set(state.ownRates.map(({ variable }) => variable));
  const regularized = added.filter((weight) => !owns.has(weight.read() as tf.Variable));
  const losses = regularizer ? regularized.map((weight) => () => regularizer.apply(weight.read())) : [];

  for (const weight of [...added, ...buffers]) hideAdded(weight);
  layer._trainableWeights = [...layer._trainableWeights, ...added];
  layer._nonTrainableWeights = [...layer._nonTrainableWeights, ...buffers];
  layer._losses = [...layer._losses, ...losses];
  return () => {
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
