/** What PyTorch has in the place of a layer's weight: by which parameters, and in which layout. */
import type * as tf from '@tensorflow/tfjs';

import { isOneOrder, type Flattened } from './flattened.js';
import {
  asItIs,
  ofConvolution,
  ofDepthwise,
  ofFlattened,
  transposed,
  vectorOfFlattened,
  type Layout,
} from './layout.js';

/** A layer that has none there; the message is what follows on its name. */
export class Fault extends Error {}

type Parameters = readonly string[];

/**
 * The parameters of a layer's weight, and how they lie.
 *
 * @param flat what was flattened before the layer
 * @throws Fault where PyTorch has none, or computes otherwise
 */
export function counterpart(
  layer: tf.layers.Layer,
  weight: string,
  shape: readonly number[],
  flat: Flattened,
): readonly [Parameters, Layout] {
  const className = layer.getClassName();
  const size = flat?.reduce((product, length) => product * length, 1);
  const known = LAYERS[className]?.[weight];
  if (!known || shape.length > 5) throw new Fault(whyNot(className));
  assertActivations(layer, className);
  const [parameters, layoutOf] = known;
  const isMatrix = weight === 'kernel' && (className === 'Dense' || known === RECURRENT.kernel);
  const isVector = className.endsWith('Normalization') && shape.length === 1;
  if (flat && (isMatrix || isVector) && shape[0] !== size) {
    throw new Fault(
      `has ${shape[0]} inputs, and the shape [${flat.join(', ')}] of what was flattened is one of ${size}`,
    );
  }
  if (flat && !isOneOrder(flat)) {
    if (isMatrix) return [parameters, ofFlattened(shape, flat)];
    if (isVector) return [parameters, vectorOfFlattened(shape, flat)];
    if (className !== 'Dense' && LAYERS[className] !== RECURRENT) {
      throw new Fault(
        `takes what was flattened from [${flat.join(', ')}], which PyTorch has in another order, and the weights of a ` +
          `${className} cannot be put in it: a dense layer between, or none of the flattening, does`,
      );
    }
  }
  if (className === 'LayerNormalization' && shape.length > 1) {
    throw new Fault('normalises over several axes, whose order in PyTorch is not to be told');
  }
  return [parameters, layoutOf(shape)];
}

const BIAS = { bias: [['bias'], asItIs] } as const;
const CONVOLUTION = { kernel: [['weight'], ofConvolution], ...BIAS } as const;
const RECURRENT = {
  kernel: [['weight_ih'], transposed],
  recurrent_kernel: [['weight_hh'], transposed],
  bias: [['bias_ih', 'bias_hh'], asItIs],
} as const;
const NORMALISATION = { gamma: [['weight'], asItIs], beta: [['bias'], asItIs] } as const;

/** By class and weight: the parameters, and the layout of a shape. Gates of an LSTM stand in one order in both: i, f, g, o. */
const LAYERS: Readonly<
  Record<string, Readonly<Record<string, readonly [Parameters, (shape: readonly number[]) => Layout]>>>
> = {
  Dense: { kernel: [['weight'], transposed], ...BIAS },
  Conv1D: CONVOLUTION,
  Conv2D: CONVOLUTION,
  Conv3D: CONVOLUTION,
  Conv2DTranspose: CONVOLUTION,
  Conv3DTranspose: CONVOLUTION,
  DepthwiseConv2D: { depthwise_kernel: [['weight'], ofDepthwise], ...BIAS },
  BatchNormalization: {
    ...NORMALISATION,
    moving_mean: [['running_mean'], asItIs],
    moving_variance: [['running_var'], asItIs],
  },
  LayerNormalization: NORMALISATION,
  Embedding: { embeddings: [['weight'], asItIs] },
  SimpleRNN: RECURRENT,
  LSTM: RECURRENT,
};

const LEAVE_OUT = 'names: { … : null } leaves it as it is';

function whyNot(className: string): string {
  if (className.startsWith('BlockSparse')) return 'is stored block-sparse: decompress() the model first';
  if (className === 'GRU') {
    return (
      'is a GRU, which computes otherwise than PyTorch: there the reset gate multiplies Uh + b, here (tfjs has no resetAfter) ' +
      `h alone, so that no weights of one are those of the other; ${LEAVE_OUT}`
    );
  }
  if (className === 'SeparableConv2D') {
    return `is two modules in PyTorch: build it as a depthwiseConv2d and a conv2d of 1 × 1; ${LEAVE_OUT}`;
  }
  return `is a ${className}, and no counterpart of it in PyTorch is known; ${LEAVE_OUT}`;
}

/** What we use of recurrent layers that tfjs does not declare. */
interface Recurrent {
  readonly cell?: Readonly<Record<string, { getClassName(): string } | undefined>>;
}

/** @throws Fault for a recurrent layer with activations that PyTorch's has not */
function assertActivations(layer: tf.layers.Layer, className: string): void {
  const { cell } = layer as unknown as Recurrent;
  const seen = (field: string) => cell?.[field]?.getClassName();
  if (className === 'SimpleRNN' && !['tanh', 'relu'].includes(seen('activation')!)) {
    throw new Fault(`has the activation ${seen('activation')}, and PyTorch's RNN has tanh or relu`);
  }
  if (className !== 'LSTM') return;
  if (seen('activation') === 'tanh' && seen('recurrentActivation') === 'sigmoid') return;
  throw new Fault(
    `has the activations ${seen('activation')} and ${seen('recurrentActivation')}, and PyTorch's LSTM has tanh and sigmoid: ` +
      "make it with recurrentActivation: 'sigmoid', which is not the default of tfjs",
  );
}
