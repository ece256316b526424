/**
 * Making the layers of a `tf.LayersModel` compute with the effective weights of their kernels.
 *
 * A tfjs layer reads its weight by `this.kernel.read()` at every call. Putting an object with a `read()` of
 * our own in that place is enough: `fit`, `evaluate` and `predict` then use the effective weight, gradients
 * included, and the model is not rewritten.
 */
import type { BlockMask } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { KERNEL_FIELDS, type LayerKernel } from './find-kernels.js';
import type { KernelState } from './kernel-state.js';
import type { SparseCall, SparseExecution } from './sparse-execution.js';

type Regularizer = { apply(x: tf.Tensor): tf.Scalar };

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
