/**
 * In which order a layer's inputs were flattened. PyTorch flattens `[channels, …space]`, TensorFlow.js `[…space, channels]`:
 * of a kernel after that, the rows stand in another order. The graph around the layer tells, as far as layers of tfjs do.
 */
import * as tf from '@tensorflow/tfjs';

/** The shape here, channels last, of what was flattened into the last axis; null where both have one order. */
export type Flattened = readonly number[] | null;

/** Where the channels stand in the layer's inputs; null where there are none, as in sequences of features. */
type Channels = 'last' | 'first' | null;

/** Layers that leave every number in its place. */
const IN_PLACE = new Set([
  ...['Activation', 'ReLU', 'LeakyReLU', 'PReLU', 'ELU', 'ThresholdedReLU', 'Softmax', 'Masking'],
  ...['Dropout', 'AlphaDropout', 'GaussianDropout', 'GaussianNoise', 'SpatialDropout1D'],
  ...['BatchNormalization', 'LayerNormalization'],
  ...['Add', 'Average', 'Maximum', 'Minimum', 'Multiply'],
]);
/** Layers whose last axis is that of their inputs, where that has the channels. */
const ALONG_CHANNELS =
  /^(RepeatVector|(Global)?(Max|Average)Pooling[123]D|UpSampling2D|ZeroPadding2D|Cropping2D)$/;
/** Layers whose outputs are features of no place. */
const MIXING = /^(Dense|Dot|Embedding|SimpleRNN|LSTM|GRU|RNN|Bidirectional|Global(Max|Average)Pooling[12]D)$/;
/** Convolutions that make channels of their own. */
const CONVOLUTION = /^(Conv[123]D|Conv[23]DTranspose|SeparableConv2D)$/;
const SPATIAL =
  /^(Conv([123])D|Conv([23])DTranspose|SeparableConv(2)D|DepthwiseConv(2)D|(?:Max|Average)Pooling([123])D|UpSampling(2)D|ZeroPadding(2)D|Cropping(2)D)$/;

/** Why the order cannot be told. */
export class UnknownOrder extends Error {}

/** A model inside the model, or a layer in a wrapper: who it is, and the wrapper, whose inputs it gets. */
export interface Wrapped {
  readonly layer: tf.layers.Layer;
  readonly wrapper: tf.layers.Layer;
}

/** What is known of the graph. */
export interface Graph {
  /** By the input layer of each model inside the model, the tensors that it is given in its place. */
  readonly outside: ReadonlyMap<tf.layers.Layer, readonly tf.SymbolicTensor[]>;
  /** What was found already: a tensor may be come to in very many ways. */
  readonly orders: Map<tf.SymbolicTensor, Flattened>;
  /** By the number of axes that were flattened. */
  readonly channels: Map<tf.SymbolicTensor, Map<number, Channels>>;
}

export function graphOf(containers: readonly tf.LayersModel[], wrapped: readonly Wrapped[]): Graph {
  const outside = new Map<tf.layers.Layer, tf.SymbolicTensor[]>();
  const put = (container: tf.LayersModel, inputTensors: readonly tf.SymbolicTensor[]) => {
    container.inputs.forEach(({ sourceLayer }, i) => {
      outside.set(sourceLayer, [...(outside.get(sourceLayer) ?? []), inputTensors[i]!]);
    });
  };
  for (const container of containers) {
    for (const { inboundLayers, inputTensors } of container.inboundNodes) {
      if (inboundLayers.length > 0) put(container, inputTensors); // Others are its own.
    }
  }
  for (const { layer, wrapper } of wrapped) {
    if (!(layer instanceof tf.LayersModel)) continue;
    for (const { inputTensors } of wrapper.inboundNodes) put(layer, inputTensors);
  }
  return { outside, orders: new Map(), channels: new Map() };
}

/**
 * @param layer or, of one in a wrapper, that
 * @throws UnknownOrder
 */
export function flattenedBefore(layer: tf.layers.Layer, graph: Graph): Flattened {
  const inputs = layer.inboundNodes.flatMap(({ inputTensors }) => inputTensors);
  return agreed(inputs.map((tensor) => orderOf(tensor, graph)));
}

/** The layer that a tensor comes from: of a `TimeDistributed`, what this does at each step. */
function makerOf({ sourceLayer }: tf.SymbolicTensor): { layer: tf.layers.Layer; steps: number } {
  let layer = sourceLayer;
  let steps = 0;
  for (; layer.getClassName() === 'TimeDistributed'; steps++) {
    ({ layer } = layer as unknown as { layer: tf.layers.Layer });
  }
  return { layer, steps };
}

/** Of the last axis. */
function orderOf(tensor: tf.SymbolicTensor, graph: Graph): Flattened {
  const known = graph.orders.get(tensor);
  if (known !== undefined) return known;
  const order = foundOrder(tensor, graph);
  graph.orders.set(tensor, order);
  return order;
}

function foundOrder(tensor: tf.SymbolicTensor, graph: Graph): Flattened {
  const { inputs } = tensor;
  const { layer, steps } = makerOf(tensor);
  const className = layer.getClassName();
  const further = sources(tensor, graph);
  if (further) return agreed(further.map((each) => orderOf(each, graph)));
  if (className === 'InputLayer' || CONVOLUTION.test(className)) return null;
  if (MIXING.test(className) && !ALONG_CHANNELS.test(className)) return null;
  if (className === 'Flatten') return flattening(layer, inputs[0]!, steps, graph);
  if (className === 'Reshape') return reshaping(layer, tensor, steps, graph);
  const orders = inputs.map((input) => orderOf(input, graph));
  const isAlong = ALONG_CHANNELS.test(className) && !isChannelsFirst(layer);
  const { dims } = layer as unknown as { dims?: number[] };
  const keepsLast = className === 'Permute' && dims?.at(-1) === dims?.length;
  if (IN_PLACE.has(className) || isAlong || keepsLast) return agreed(orders);
  const size = ({ shape }: tf.SymbolicTensor) => shape.slice(1).reduce((a, b) => a! * b!, 1);
  const flattens = inputs.some(
    (input) => input.shape.length > tensor.shape.length && size(input) === size(tensor),
  );
  if (orders.every((order) => order === null) && !flattens) return null;
  throw new UnknownOrder(
    `comes from ${layer.name}, a ${className}${flattens ? ' that flattens' : ' of what was flattened'}`,
  );
}

/** @param steps how many axes before are steps, of which each is flattened by itself */
function flattening(
  layer: tf.layers.Layer,
  input: tf.SymbolicTensor,
  steps: number,
  graph: Graph,
): Flattened {
  const shape = input.shape.slice(1 + steps) as number[];
  const within = orderOf(input, graph);
  if (shape.slice(0, -1).every((length) => length === 1)) return within;
  if (within !== null) throw new UnknownOrder(`was flattened by ${layer.name} a second time`);
  if (isOneOrder(shape)) return null;
  const channels = channelsOf(input, shape.length, graph);
  const moves = isChannelsFirst(layer);
  if (channels === 'first' && moves) return [...shape.slice(1), shape[0]!];
  if (channels !== null && moves)
    throw new UnknownOrder(`comes from ${layer.name}, which moves channels last`);
  return channels === 'last' ? shape : null;
}

function reshaping(
  layer: tf.layers.Layer,
  tensor: tf.SymbolicTensor,
  steps: number,
  graph: Graph,
): Flattened {
  const [input] = tensor.inputs as [tf.SymbolicTensor];
  const [from, to] = [input, tensor].map(({ shape }) => shape.slice(1 + steps) as number[]) as [
    number[],
    number[],
  ];
  const longer = (shape: readonly number[]) => shape.filter((length) => length !== 1).join();
  const last = to.at(-1) ?? 1;
  // Axes of one more or less, or others before the last, leave that as it is.
  const stays = last === from.at(-1) || longer(from) === longer(to);
  const order = stays ? orderOf(input, graph) : flattening(layer, input, steps, graph);
  if (order === null || last === order.reduce((product, length) => product * length, 1)) return order;
  throw new UnknownOrder(`comes from ${layer.name}, which makes [${to.join(', ')}] of what was flattened`);
}

/** Of one channel, or one place, both orders are one. */
export function isOneOrder(shape: readonly number[]): boolean {
  return shape.at(-1) === 1 || shape.slice(0, -1).every((length) => length === 1);
}

function isChannelsFirst(layer: tf.layers.Layer): boolean {
  return (layer as { dataFormat?: string }).dataFormat === 'channelsFirst';
}

/** @param axes how many are flattened, the last ones */
function channelsOf(tensor: tf.SymbolicTensor, axes: number, graph: Graph): Channels {
  const known = graph.channels.get(tensor)?.get(axes);
  if (known !== undefined) return known;
  const channels = foundChannels(tensor, axes, graph);
  if (!graph.channels.has(tensor)) graph.channels.set(tensor, new Map());
  graph.channels.get(tensor)!.set(axes, channels);
  return channels;
}

function foundChannels(tensor: tf.SymbolicTensor, axes: number, graph: Graph): Channels {
  const { inputs } = tensor;
  const { layer } = makerOf(tensor);
  const className = layer.getClassName();
  const further = sources(tensor, graph);
  if (further) return agreed(further.map((each) => channelsOf(each, axes, graph)));
  const [, , ...space] = SPATIAL.exec(className) ?? [];
  // Those of another number of axes have the channels first behind the steps.
  if (Number(space.find(Boolean)) + 1 === axes) return isChannelsFirst(layer) ? 'first' : 'last';
  if (IN_PLACE.has(className) || className === 'Concatenate') {
    return agreed(inputs.map((input) => channelsOf(input, axes, graph)));
  }
  if (axes === 2 && (MIXING.test(className) || ['RepeatVector', 'Flatten'].includes(className))) return null;
  if (className === 'Permute') {
    const dims = (layer as unknown as { dims: number[] }).dims;
    const before = channelsOf(inputs[0]!, axes, graph);
    const ups = dims.map((_, i) => i + 1);
    if (before === 'last' && dims.join() === [dims.length, ...ups.slice(0, -1)].join()) return 'first';
    if (before === 'first' && dims.join() === [...ups.slice(1), 1].join()) return 'last';
  }
  throw new UnknownOrder(
    `was flattened from [${tensor.shape.slice(-axes).join(', ')}] of ${layer.name}, a ${className}`,
  );
}

/** What stands behind a tensor of a model inside the model, or behind one that such a model is given; null for others. */
function sources(tensor: tf.SymbolicTensor, { outside }: Graph): readonly tf.SymbolicTensor[] | null {
  const { layer } = makerOf(tensor);
  if (layer instanceof tf.LayersModel) return [layer.outputs[tensor.outputTensorIndex ?? 0]!];
  return outside.get(layer) ?? null;
}

function agreed<T extends Flattened | Channels>(all: readonly T[]): T {
  const [first, ...others] = all;
  if (others.every((other) => JSON.stringify(other) === JSON.stringify(first))) return (first ?? null) as T;
  throw new UnknownOrder('is used behind layers that flatten differently');
}
