/**
 * What layers do with channels, the entries of the last axis: mix them by a kernel, pass each on, or something else, which
 * nothing is taken out of.
 */
import * as tf from '@tensorflow/tfjs';

import { fieldsOf } from './fields.js';
import { isOfEachChannel, mixingForm } from './mixing.js';
import { passingForm } from './passing.js';
import type { Call } from './graph.js';

/** Numbers that channels have at every place and for every example; NaN for a channel that varies. */
export type Constants = Float64Array;

/** How the weights of a layer are cut: which of their axes is of its input's channels, and which of its output's. */
export interface CutWeight {
  /** The layer's field that holds it. */
  readonly field: string;
  readonly inputAxis?: number;
  /** So many entries of that axis belong to each channel; 1, when absent. */
  readonly perInput?: number;
  readonly outputAxis?: number;
}

/** Every output channel is made of all input channels: `activation(Σ_c kernel(c, j) ∗ x_c + bias_j)`. */
export interface Mixing {
  readonly kind: 'mixing';
  readonly inputs: number;
  readonly outputs: number;
  /** Whether a weight between an input channel and an output channel is not zero. */
  reaches(input: number, output: number): boolean;
  /** What an input channel of ones adds to an output channel, away from what is padded. */
  sum(input: number, output: number): number;
  /** Whether it is that everywhere: nothing is padded. */
  readonly isEverywhere: boolean;
  /** Zeros where there is none. */
  readonly bias: ArrayLike<number>;
  readonly hasBias: boolean;
  /** Of an embedding, which takes no channels: what each output is, whatever is looked up. */
  readonly constants?: Constants;
  activate(values: Constants): Promise<Constants>;
  /** Why no output channel can go, where none can. */
  readonly whole: string | null;
  readonly weights: readonly CutWeight[];
}

/** Every output channel is made of one channel of each input that has a part in it, and goes when those go. */
export interface Passing {
  readonly kind: 'passing';
  /** The channels that an output channel is made of: the input's number, and the channel there. */
  sources(output: number): readonly (readonly [input: number, channel: number])[];
  constants(inputs: readonly Constants[]): Promise<Constants> | Constants;
  readonly weights: readonly CutWeight[];
  /** Whether a kernel holds nothing but zeros for an output channel; there is none, when absent. */
  isZero?(output: number): boolean;
}

/** Nothing is taken out of it, and why: a clause of its own. */
interface Whole {
  readonly kind: 'whole';
  readonly why: string;
}

export type Form = Mixing | Passing | Whole;

/** @param call one of the layer's */
export async function formOf({ layer, inputs, outputs }: Call): Promise<Form> {
  const className = layer.getClassName();
  const [known] = tf.serialization.SerializationMap.getMap().classNameMap[className] ?? [];
  const whole = (why: string): Whole => ({ kind: 'whole', why });
  if (!STOCK.has(className) || (known as unknown) !== layer.constructor) {
    return whole(`channels of a ${className} layer do not come and go one by one`);
  }
  const { dataFormat } = layer as unknown as { dataFormat?: string };
  if (dataFormat === 'channelsFirst') return whole('its channels come first');
  const free = [...inputs, ...outputs].some(({ channels }) => channels === 0);
  if (free && className !== 'Embedding')
    return whole('the last axis of what it takes or makes has any length');
  const activation = fieldsOf(layer).activation?.getClassName() ?? 'linear';
  if (className === 'DepthwiseConv2D' && !isOfEachChannel(activation))
    return whole(`its activation, ${activation}, is one of all of its channels together`);
  if (className === 'Dropout' && fieldsOf(layer)['noiseShape'])
    return whole('its noise has a shape of its own');
  return (
    (await mixingForm(layer)) ??
    (await passingForm(layer, inputs, outputs[0]!)) ??
    whole(`channels of a ${className} layer do not come and go one by one`)
  );
}

/** tfjs' own classes, whose every field is known; a class derived from one has a name of its own. */
const STOCK: ReadonlySet<string> = new Set([
  ...['InputLayer', 'Dense', 'Embedding', 'Conv1D', 'Conv2D', 'Conv3D', 'Conv2DTranspose', 'Conv3DTranspose'],
  ...['DepthwiseConv2D', 'SeparableConv2D', 'BatchNormalization', 'Activation', 'ReLU', 'LeakyReLU', 'ELU'],
  ...['ThresholdedReLU', 'Dropout', 'SpatialDropout1D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout'],
  ...['Flatten', 'RepeatVector', 'Concatenate', 'Add', 'Multiply', 'Average', 'Maximum', 'Minimum'],
  ...['ZeroPadding2D', 'UpSampling2D', 'Cropping2D', 'MaxPooling1D', 'MaxPooling2D', 'MaxPooling3D'],
  ...[
    'AveragePooling1D',
    'AveragePooling2D',
    'AveragePooling3D',
    'GlobalAveragePooling1D',
    'GlobalMaxPooling1D',
  ],
  ...['GlobalAveragePooling2D', 'GlobalMaxPooling2D'],
]);
