/**
 * What a kernel's weights are multiplied by, over calibration inputs: one Euclidean norm a row of its matrix, or whatever of
 * it differs. Found out anew at each choice that goes by it, by the weights of the moment, so that no run has to store it.
 */
import * as tf from '@tensorflow/tfjs';

import type { LayerKernel, OpenLayer } from './find-kernels.js';

/** Examples that go through the model at a time. */
const BATCH = 64;

/** Sums of squares over a call: `[n, 1]`, one a row of the kernel's matrix `[n, m]`; `[1, m]`, or `[n, m]`, where columns differ. */
type Squares = (layer: OpenLayer, inputs: readonly tf.Tensor[]) => tf.Tensor2D;

/** By class and field. */
const SQUARES: Readonly<Record<string, Readonly<Record<string, Squares>>>> = {
  Dense: { kernel: (_, [x]) => ofFeatures(x!) },
  Conv1D: { kernel: (layer, [x]) => ofTaps(x!, layer) },
  Conv2D: { kernel: (layer, [x]) => ofTaps(x!, layer) },
  Conv3D: { kernel: (layer, [x]) => ofTaps(x!, layer) },
  // Each number of the input meets every tap, but for what a border cuts off.
  Conv2DTranspose: { kernel: (layer, [x]) => ofFeatures(channelsLast(x!, layer)).transpose() },
  Conv3DTranspose: { kernel: (layer, [x]) => ofFeatures(channelsLast(x!, layer)).transpose() },
  // tfjs computes it without the dilation that it takes.
  DepthwiseConv2D: {
    depthwiseKernel: (layer, [x]) => ofDepthwise(x!, { ...openOf(layer), dilationRate: [1, 1] }),
  },
  SeparableConv2D: {
    depthwiseKernel: (layer, [x]) => ofDepthwise(x!, layer),
    pointwiseKernel: (layer, [x]) => ofFeatures(betweenOf(x!, layer)),
  },
  Embedding: { embeddings: (layer, [x]) => ofRows(x!, layer['inputDim'] as number) },
  SimpleRNNCell: { kernel: (_, [x]) => ofFeatures(x!), recurrentKernel: (_, [, h]) => ofFeatures(h!) },
  GRUCell: {
    kernel: (_, [x]) => ofFeatures(x!),
    recurrentKernel: (cell, [x, h]) => ofGatedStates(x!, h!, cell),
  },
  LSTMCell: { kernel: (_, [x]) => ofFeatures(x!), recurrentKernel: (_, [, h]) => ofFeatures(h!) },
  ConvLSTM2DCell: {
    kernel: (cell, [x]) => ofTaps(x!, cell),
    recurrentKernel: (cell, [, h]) =>
      ofTaps(h!, { ...openOf(cell), padding: 'same', strides: [1, 1], dilationRate: [1, 1] }),
  },
};

/** Whether the inputs of a kernel are known: of tfjs' own layers they are. */
export function hasInputs({ layer, field }: LayerKernel): boolean {
  return SQUARES[classOf(layer)]?.[field] !== undefined;
}

/**
 * The norms of each kernel's inputs, which the caller disposes. Positions that a mask leaves out are counted: layers compute
 * with them, whatever becomes of it.
 *
 * @param calibration inputs of the model, in their order
 * @throws RangeError where none of them comes to a kernel
 * @throws Error where one of them was disposed of
 */
export function inputNormsOf(
  model: tf.LayersModel,
  kernels: readonly LayerKernel[],
  calibration: readonly tf.Tensor[],
): tf.Tensor2D[] {
  if (calibration.some(({ isDisposed }) => isDisposed)) {
    throw new Error('calibration was disposed of: keep its tensors until the run ends');
  }
  const sums = new Map<LayerKernel, tf.Tensor2D>();
  const observe = (kernel: LayerKernel, inputs: readonly tf.Tensor[]) => {
    const before = sums.get(kernel);
    const sum = tf.tidy(() => {
      const squares = SQUARES[classOf(kernel.layer)]![kernel.field]!(kernel.layer, inputs);
      return before ? before.add<tf.Tensor2D>(squares) : squares.clone();
    });
    sums.set(kernel, tf.keep(sum));
    before?.dispose();
  };
  const undo = watchCalls(kernels, observe);
  try {
    tf.dispose(model.predict([...calibration], { batchSize: BATCH }));
    const unmet = kernels.find((kernel) => !sums.has(kernel));
    if (unmet) {
      throw new RangeError(
        `No calibration input comes to ${unmet.name}, whose layer the model does not compute with: leave it dense, by \`kernels\``,
      );
    }
    return kernels.map((kernel) => sums.get(kernel)!.sqrt());
  } finally {
    undo();
    tf.dispose([...sums.values()]);
  }
}

/** The norms of rows `[…, n]` that a variable `[n, m]` is multiplied by. */
export function normsOfRows(rows: tf.Tensor): tf.Tensor2D {
  return tf.tidy(() => ofFeatures(rows).sqrt());
}

type Call = (inputs: tf.Tensor | tf.Tensor[], kwargs: unknown) => unknown;

/** Tells of what layers are called with, until it is undone. */
function watchCalls(
  kernels: readonly LayerKernel[],
  observe: (kernel: LayerKernel, inputs: readonly tf.Tensor[]) => void,
): () => void {
  const layers = [...new Set(kernels.map(({ layer }) => layer))];
  const undo = layers.map((layer) => {
    const own = Object.getOwnPropertyDescriptor(layer, 'call');
    const call = layer['call'] as Call;
    const watched: Call = (inputs, kwargs) => {
      for (const kernel of kernels) if (kernel.layer === layer) observe(kernel, [inputs].flat());
      return call.call(layer, inputs, kwargs);
    };
    layer['call'] = watched;
    return () => {
      if (own) Object.defineProperty(layer, 'call', own);
      else delete layer['call'];
    };
  });
  return () => undo.forEach((back) => back());
}

function classOf(layer: OpenLayer): string {
  return (layer as unknown as tf.layers.Layer).getClassName();
}

/** Over all axes but the last, `[n, 1]`. */
function ofFeatures(x: tf.Tensor): tf.Tensor2D {
  const n = x.shape.at(-1)!;
  return x.reshape([-1, n]).square().sum(0).reshape([n, 1]);
}

/** A GRU cell's `[n, 3n]`: gates meet the state `h`, the last third of the columns meets it times the reset gate, `r ⊙ h`. */
function ofGatedStates(x: tf.Tensor, h: tf.Tensor, cell: OpenLayer): tf.Tensor2D {
  const n = h.shape.at(-1)!;
  const ofReset = (field: string) =>
    (cell[field] as tf.LayerVariable).read().slice([0, n], [-1, n]) as tf.Tensor2D;
  const sum = (x as tf.Tensor2D).matMul(ofReset('kernel')).add(h.matMul(ofReset('recurrentKernel')));
  const bias = cell['bias'] as tf.LayerVariable | null;
  const activation = cell['recurrentActivation'] as { apply(x: tf.Tensor): tf.Tensor };
  const r = activation.apply(bias ? sum.add(bias.read().slice(n, n)) : sum);
  return tf.concat(
    [ofFeatures(h).tile<tf.Tensor2D>([1, 2 * n]), ofFeatures(r.mul(h)).tile<tf.Tensor2D>([1, n])],
    1,
  );
}

/** How often each row is looked up: its input is 1 there. */
function ofRows(indices: tf.Tensor, rows: number): tf.Tensor2D {
  const flat = indices.reshape([-1, 1]).toInt();
  return tf.scatterND(flat, tf.ones([flat.shape[0]!]), [rows]).reshape([rows, 1]);
}

/** What a convolution's fields say, as far as it matters which inputs a tap meets. */
interface ConvolutionFields {
  readonly kernelSize: readonly number[];
  readonly strides: readonly number[];
  readonly dilationRate: readonly number[];
  readonly padding: 'valid' | 'same';
  readonly dataFormat: 'channelsLast' | 'channelsFirst';
  readonly depthMultiplier?: number;
}

const openOf = (layer: OpenLayer | ConvolutionFields) => layer as unknown as ConvolutionFields;

function channelsLast(x: tf.Tensor, layer: OpenLayer | ConvolutionFields): tf.Tensor {
  if (openOf(layer).dataFormat !== 'channelsFirst') return x;
  const [batch, channels, ...places] = x.shape.map((_, axis) => axis);
  return x.transpose([batch!, ...places, channels!]);
}

/** Of the inputs that each tap meets, of each channel: `[taps · in, 1]`. */
function ofTaps(x: tf.Tensor, layer: OpenLayer | ConvolutionFields): tf.Tensor2D {
  const { kernelSize, strides, dilationRate, padding } = openOf(layer);
  // What an image has at a place counts alike for all images.
  const squares = channelsLast(x, layer).square().sum(0);
  const sides = kernelSize.map((size, axis) => {
    const [length, stride, dilation] = [squares.shape[axis]!, strides[axis]!, dilationRate[axis]!];
    const reach = (size - 1) * dilation + 1;
    const total = padding === 'same' ? samePadding(length, stride, reach) : 0;
    const before = Math.floor(total / 2);
    const places = Math.floor((length + total - reach) / stride) + 1;
    return { size, stride, dilation, pad: [before, total - before] as [number, number], places };
  });
  const padded = squares.pad([...sides.map(({ pad }) => pad), [0, 0]]);
  const channels = padded.shape.at(-1)!;
  const perTap = tapsOf(kernelSize).map((tap) => {
    const begin = sides.map(({ dilation }, axis) => tap[axis]! * dilation);
    const end = sides.map(({ stride, places }, axis) => begin[axis]! + (places - 1) * stride + 1);
    const met = padded.stridedSlice(
      [...begin, 0],
      [...end, channels],
      [...sides.map(({ stride }) => stride), 1],
    );
    return met.reshape([-1, channels]).sum(0);
  });
  return tf.stack(perTap).reshape([kernelSize.reduce((a, b) => a * b, 1) * channels, 1]);
}

/** TensorFlow's: as many places as strides fit, what is padded more at the end. */
function samePadding(length: number, stride: number, reach: number): number {
  return Math.max((Math.ceil(length / stride) - 1) * stride + reach - length, 0);
}

/** The taps of a kernel, the last axis first to move. */
function tapsOf(kernelSize: readonly number[]): number[][] {
  return kernelSize.reduce<number[][]>(
    (taps, size) => taps.flatMap((tap) => Array.from({ length: size }, (_, i) => [...tap, i])),
    [[]],
  );
}

/** `[h · w, in · multiplier]`: each column is a filter of one channel. */
function ofDepthwise(x: tf.Tensor, layer: OpenLayer | ConvolutionFields): tf.Tensor2D {
  const { kernelSize, depthMultiplier: multiplier = 1 } = openOf(layer);
  const taps = kernelSize.reduce((a, b) => a * b, 1);
  const squares = ofTaps(x, layer);
  const channels = squares.shape[0] / taps;
  const each = squares.reshape([taps, channels, 1]).tile([1, 1, multiplier]);
  return each.reshape([taps, channels * multiplier]);
}

/** What the depthwise part of a separable convolution makes. */
function betweenOf(x: tf.Tensor, layer: OpenLayer): tf.Tensor {
  const { strides, padding, dilationRate } = openOf(layer);
  const filter = (layer['depthwiseKernel'] as tf.LayerVariable).read() as tf.Tensor4D;
  const images = channelsLast(x, layer) as tf.Tensor4D;
  const [pair, dilation] = [strides, dilationRate].map((of) => [...of] as [number, number]);
  return tf.depthwiseConv2d(images, filter, pair!, padding as 'same', 'NHWC', dilation!);
}
