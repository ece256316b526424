/** The weights of a model, with the parameters that PyTorch keeps them in. */
import { describeValue, isUnderPruning } from '@espalier/core';
import * as tf from '@tensorflow/tfjs';

import { flattenedBefore, graphOf, isOneOrder, UnknownOrder, type Flattened } from './flattened.js';
import {
  asItIs,
  ofConvolution,
  ofDepthwise,
  ofFlattened,
  transposed,
  vectorOfFlattened,
  type Layout,
} from './layout.js';

export interface NamingOptions {
  /**
   * What PyTorch calls the module of a layer, by the layer's name (of one inside a model, `model/layer`); a layer that is not
   * named has its own name, with dots for slashes. Where the name has a `*`, that stands for the parameter:
   * `{ lstm_2: 'rnn.*_l1' }` is the second layer of an `nn.LSTM` of several. `null` leaves a layer out.
   */
  readonly names?: Readonly<Record<string, string | null>> | ((layer: string) => string | null);
  /**
   * For layers before which something was flattened, where the graph does not tell in which order: the shape here, channels
   * last, if PyTorch has the channels first; `null` if both flatten in one order.
   */
  readonly flattened?: Readonly<Record<string, Flattened>>;
}

export interface TorchWeight {
  /** `layer/weight` */
  readonly name: string;
  readonly variable: tf.Variable;
  readonly layout: Layout;
  /**
   * The parameters, by the names that PyTorch may give them; the first that are all there count. Several in one are added
   * up: the weight here is one where PyTorch has two.
   */
  readonly parameters: readonly (readonly string[])[];
}

export interface TorchWeights {
  readonly weights: readonly TorchWeight[];
  /** Why there are layers that PyTorch has no counterpart of, a sentence each. */
  readonly faults: readonly string[];
  /** What a checkpoint does not tell, and is to be the same in both: a sentence each. */
  readonly toCheck: readonly string[];
}

/**
 * @param of the function that the model is given to
 * @throws TypeError for what is no model, or names that are none; RangeError for names of layers that the model has not; Error
 *   for a model under pruning
 */
export function torchWeights(
  model: tf.LayersModel,
  { names = {}, flattened = {} }: NamingOptions,
  of: string,
): TorchWeights {
  if (!(model instanceof tf.LayersModel)) {
    throw new TypeError(`${of} takes a tf.LayersModel as its model, it is given ${describeValue(model)}`);
  }
  const layers = [
    ...new Map([...placedLayers(model)].reverse().map((placed) => [placed.layer, placed])).values(),
  ];
  layers.reverse();
  const paths = layers.map(({ path }) => path);
  assertPaths(typeof names === 'function' ? {} : names, paths, 'names', of);
  assertPaths(flattened, paths, 'flattened', of);
  const containers = layers.flatMap(({ layer }) => (layer instanceof tf.LayersModel ? [layer] : []));
  const wrapped = layers.flatMap(({ layer, outermost }) =>
    outermost ? [{ layer, wrapper: outermost }] : [],
  );
  const graph = graphOf(containers, wrapped);
  const weights: TorchWeight[] = [];
  const faults: string[] = [];
  const toCheck = layers.flatMap(({ layer, path }) => checksOf(layer).map((check) => `${path} ${check}`));
  const seen = new Set<tf.LayerVariable>();
  for (const placed of layers) {
    const { layer, path } = placed;
    if (layer instanceof tf.LayersModel || isWrapper(layer) || layer.weights.length === 0) continue;
    for (const weight of layer.weights) seen.add(weight);
    const module = moduleOf(placed, names, of);
    if (module === null) continue;
    try {
      const flat = Object.hasOwn(flattened, path)
        ? flattened[path]!
        : flattenedBefore(placed.outermost ?? layer, graph);
      weights.push(...weightsOf(layer, path, module, flat));
    } catch (error) {
      if (!(error instanceof Fault || error instanceof UnknownOrder)) throw error;
      faults.push(error instanceof Fault ? `${path} ${error.message}` : unknownOrder(path, error.message));
    }
  }
  for (const weight of model.weights.filter((each) => !seen.has(each))) {
    const { originalName, shape } = weight;
    faults.push(`${originalName} of [${shape.join(', ')}] is in a layer that was not found in the model`);
  }
  const held = weights.find(({ variable }) => isUnderPruning(variable));
  if (held) throw new Error(`${of}: ${held.name} is under pruning: finalize() the run first`);
  return { weights, faults, toCheck };
}

class Fault extends Error {}

function unknownOrder(path: string, why: string): string {
  return (
    `what ${path} takes ${why}, and the order is not to be told: flattened: { '${path}': [h, w, channels] } if PyTorch has ` +
    'channels first there, null if both flatten in one order'
  );
}

function assertPaths(given: object, paths: readonly string[], option: string, of: string): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(`${of} takes as ${option} an object by layers, it is given ${describeValue(given)}`);
  }
  const unknown = Object.keys(given).find((path) => !paths.includes(path));
  if (unknown === undefined) return;
  throw new RangeError(
    `${of}: ${option} tells of ${describeValue(unknown)}, and the model's layers are ${paths.join(', ')}`,
  );
}

interface Placed {
  /** The names from the outside in, as core has them. */
  readonly path: string;
  readonly layer: tf.layers.Layer;
  /** The path with what is wrapped left out: the module's name is that of the wrapper. */
  readonly modulePath: string;
  /** Of what is wrapped, how often ever: the outermost of its wrappers, which gets its inputs. */
  readonly outermost?: tf.layers.Layer;
  /** Of a direction of a `Bidirectional`: what PyTorch puts behind its parameters. */
  readonly direction?: '_l0' | '_l0_reverse';
}

function* placedLayers(container: tf.LayersModel, outer = '', outerModule = ''): Generator<Placed> {
  const within = (path: string, name: string) => [path, name].filter(Boolean).join('/');
  for (const layer of container.layers) {
    yield* placedWithin({
      path: within(outer, layer.name),
      layer,
      modulePath: within(outerModule, layer.name),
    });
  }
}

/** The layer itself, and all that it holds. */
function* placedWithin(placed: Placed): Generator<Placed> {
  yield placed;
  const { layer, path, modulePath, outermost = layer } = placed;
  if (layer instanceof tf.LayersModel) yield* placedLayers(layer, path, modulePath);
  const inside = (inner: tf.layers.Layer) => ({
    ...{ path: `${path}/${inner.name}`, layer: inner },
    ...{ modulePath, outermost },
  });
  const { layer: wrapped, forwardLayer, backwardLayer } = layer as unknown as Record<string, tf.layers.Layer>;
  if (layer.getClassName() === 'TimeDistributed') yield* placedWithin(inside(wrapped!));
  if (layer.getClassName() !== 'Bidirectional') return;
  yield { ...inside(forwardLayer!), direction: '_l0' };
  yield { ...inside(backwardLayer!), direction: '_l0_reverse' };
}

function isWrapper(layer: tf.layers.Layer): boolean {
  return ['TimeDistributed', 'Bidirectional'].includes(layer.getClassName());
}

/** The module's name with a `*` for the parameter; null for a layer that is left out. */
function moduleOf(
  { path, modulePath, direction }: Placed,
  names: NonNullable<NamingOptions['names']>,
  of: string,
): string | null {
  const named = typeof names === 'function' ? null : names;
  const asked = named && Object.hasOwn(named, path) ? path : modulePath;
  const own = asked.replaceAll('/', '.');
  const name = typeof names === 'function' ? names(asked) : Object.hasOwn(names, asked) ? names[asked] : own;
  if (name === null) return null;
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(
      `${of} takes as names the names of modules, or null: that of ${asked} is ${describeValue(name)}`,
    );
  }
  if (!name.includes('*')) return `${name}.*${direction ?? ''}`;
  return asked !== path && direction === '_l0_reverse' ? `${name}_reverse` : name;
}

type Parameters = readonly string[];

function weightsOf(layer: tf.layers.Layer, path: string, module: string, flat: Flattened): TorchWeight[] {
  return layer.weights.map((weight) => {
    const own = weight.originalName.split('/').at(-1)!;
    const variable = (weight as unknown as { val: tf.Variable }).val;
    const [parameters, layout] = counterpart(layer, own, variable.shape, flat);
    // A recurrent module numbers its layers, a cell does not.
    const isNumbered = 'cell' in layer && module.endsWith('*');
    const endings = isNumbered ? ['_l0', ''] : [''];
    return {
      ...{ name: `${path}/${own}`, variable, layout },
      parameters: endings.map((ending) => parameters.map((name) => module.replace('*', name + ending))),
    };
  });
}

/** The parameters of a layer's weight, and how they lie. */
function counterpart(
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

interface OpenLayer {
  readonly cell?: Readonly<Record<string, { getClassName(): string } | undefined>>;
  readonly epsilon?: number;
  readonly padding?: string;
  readonly strides?: number[] | number;
  readonly kernelSize?: number[] | number;
  readonly targetShape?: number[];
  readonly poolSize?: number[] | number;
  readonly alpha?: number;
}

/** @throws Fault for a recurrent layer with activations that PyTorch's has not */
function assertActivations(layer: tf.layers.Layer, className: string): void {
  const { cell } = layer as unknown as OpenLayer;
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

/** What is to be the same in both, and stands in no checkpoint. */
function checksOf(layer: tf.layers.Layer): string[] {
  const {
    epsilon,
    padding,
    strides = 1,
    kernelSize,
    poolSize,
    targetShape,
    alpha,
  } = layer as unknown as OpenLayer;
  const className = layer.getClassName();
  const checks: string[] = [];
  if (/Normalization$/.test(className) && epsilon !== 1e-5) {
    checks.push(`has the epsilon ${epsilon}, where PyTorch's modules have 1e-5 unless they are told another`);
  }
  const shifts =
    [strides].flat().some((step) => step > 1) ||
    [kernelSize ?? poolSize ?? 1].flat().some((length) => length % 2 === 0);
  if (/Conv/.test(className) && padding === 'same' && shifts) {
    checks.push(
      `pads by 'same', with the odd pixel behind, where PyTorch pads evenly: a zeroPadding2d before it, and 'valid', do as PyTorch`,
    );
  }
  if (/Conv.DTranspose$/.test(className) && padding === 'same') {
    checks.push('crops its outputs by "same": PyTorch crops by its padding and output_padding');
  }
  if (/^MaxPooling.D$/.test(className) && padding === 'same' && shifts) {
    checks.push("pads by 'same', with the odd pixel behind, where PyTorch pads evenly");
  }
  if (/^AveragePooling.D$/.test(className) && padding === 'same') {
    checks.push(
      "pads by 'same', with the odd pixel behind, and divides by the pixels that are there: PyTorch pads evenly, and counts " +
        'those of the padding too unless it is told count_include_pad=False',
    );
  }
  // The numbers of float32 too.
  if (className === 'LeakyReLU' && Math.abs(alpha! - 0.01) > 1e-6) {
    checks.push(`has the slope ${alpha}, where PyTorch's nn.LeakyReLU has 0.01 unless it is told another`);
  }
  if (className === 'Reshape' && (targetShape?.length ?? 0) > 2 && !isOneOrder(targetShape!)) {
    checks.push(
      `makes [${targetShape!.join(', ')}] of its inputs: PyTorch's view has channels first; a reshape to that and a permute do as PyTorch`,
    );
  }
  return checks;
}
