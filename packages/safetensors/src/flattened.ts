/**
 * In which order a layer's inputs were flattened. PyTorch flattens `[channels, …space]`, TensorFlow.js `[…space, channels]`:
 * of a kernel after that, the rows stand in another order. The graph around the layer tells, as far as layers of tfjs do.
 */
import * as tf from '@tensorflow/tfjs';

/** The shape here, channels last, of what was flattened; null where both have one order. */
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
/** Layers whose outputs are features of no place. */
const MIXING =
  /^(Dense|Dot|Embedding|SimpleRNN|LSTM|GRU|RNN|Bidirectional|TimeDistributed|Global(Max|Average)Pooling[12]D)$/;
const SPATIAL =
  /^(Conv[123]D|Conv[23]DTranspose|SeparableConv2D|DepthwiseConv2D|(Max|Average)Pooling[123]D|UpSampling2D|ZeroPadding2D|Cropping2D)$/;

/** Why the order cannot be told. */
export class UnknownOrder extends Error {}

/** Where the inputs of models inside a model come from. */
export type Outside = ReadonlyMap<tf.layers.Layer, readonly tf.SymbolicTensor[]>;

/** By the input layer of each model inside the model, the tensors that it is given in its place. */
export function outsideOf(containers: readonly tf.LayersModel[]): Outside {
  const outside = new Map<tf.layers.Layer, tf.SymbolicTensor[]>();
  for (const container of containers) {
    for (const { inboundLayers, inputTensors } of container.inboundNodes) {
      if (inboundLayers.length === 0) continue; // Its own.
      container.inputs.forEach(({ sourceLayer }, i) => {
        outside.set(sourceLayer, [...(outside.get(sourceLayer) ?? []), inputTensors[i]!]);
      });
    }
  }
  return outside;
}

/** @throws UnknownOrder */
export function flattenedBefore(layer: tf.layers.Layer, outside: Outside): Flattened {
  const inputs = layer.inboundNodes.flatMap(({ inputTensors }) => inputTensors);
  return agreed(inputs.map((tensor) => (tensor.shape.length === 2 ? orderOf(tensor, outside) : null)));
}

function orderOf(tensor: tf.SymbolicTensor, outside: Outside): Flattened {
  const { sourceLayer: layer, inputs } = tensor;
  const className = layer.getClassName();
  const further = sources(tensor, outside);
  if (further) return agreed(further.map((each) => orderOf(each, outside)));
  if (className === 'InputLayer' || MIXING.test(className)) return null;
  if (className === 'Flatten' || className === 'Reshape') return flattening(layer, inputs[0]!, outside);
  const orders = inputs.map((input) => orderOf(input, outside));
  if (IN_PLACE.has(className) || orders.every((order) => order === null)) return agreed(orders);
  throw new UnknownOrder(`comes from ${layer.name}, a ${className} of what was flattened`);
}

function flattening(layer: tf.layers.Layer, input: tf.SymbolicTensor, outside: Outside): Flattened {
  const shape = input.shape.slice(1) as number[];
  if (shape.length < 2) return orderOf(input, outside);
  if (isOneOrder(shape)) return null;
  const channels = channelsOf(input, outside);
  const moves = (layer as { dataFormat?: string }).dataFormat === 'channelsFirst';
  if (channels === 'first' && moves) return [...shape.slice(1), shape[0]!];
  if (channels !== null && moves)
    throw new UnknownOrder(`comes from ${layer.name}, which moves channels last`);
  return channels === 'last' ? shape : null;
}

/** Of one channel, or one place, both orders are one. */
export function isOneOrder(shape: readonly number[]): boolean {
  return shape.at(-1) === 1 || shape.slice(0, -1).every((length) => length === 1);
}

function channelsOf(tensor: tf.SymbolicTensor, outside: Outside): Channels {
  const { sourceLayer: layer, inputs } = tensor;
  const className = layer.getClassName();
  const further = sources(tensor, outside);
  if (further) return agreed(further.map((each) => channelsOf(each, outside)));
  if (SPATIAL.test(className)) {
    return (layer as { dataFormat?: string }).dataFormat === 'channelsFirst' ? 'first' : 'last';
  }
  if (IN_PLACE.has(className) || className === 'Concatenate') {
    return agreed(inputs.map((input) => channelsOf(input, outside)));
  }
  if (MIXING.test(className) && tensor.shape.length === 3) return null;
  if (className === 'Permute') {
    const dims = (layer as unknown as { dims: number[] }).dims;
    const before = channelsOf(inputs[0]!, outside);
    const ups = dims.map((_, i) => i + 1);
    if (before === 'last' && dims.join() === [dims.length, ...ups.slice(0, -1)].join()) return 'first';
    if (before === 'first' && dims.join() === [...ups.slice(1), 1].join()) return 'last';
  }
  throw new UnknownOrder(
    `was flattened from [${tensor.shape.slice(1).join(', ')}] of ${layer.name}, a ${className}`,
  );
}

/** What stands behind a tensor of a model inside the model, or behind one that such a model is given; null for others. */
function sources(
  { sourceLayer: layer, outputTensorIndex }: tf.SymbolicTensor,
  outside: Outside,
): readonly tf.SymbolicTensor[] | null {
  if (layer instanceof tf.LayersModel) return [layer.outputs[outputTensorIndex ?? 0]!];
  return outside.get(layer) ?? null;
}

function agreed<T extends Flattened | Channels>(all: readonly T[]): T {
  const [first, ...others] = all;
  if (others.every((other) => JSON.stringify(other) === JSON.stringify(first))) return (first ?? null) as T;
  throw new UnknownOrder('is used behind layers that flatten differently');
}
