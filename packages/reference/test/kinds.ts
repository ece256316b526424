/** Small networks of each kind of layer, twice: as a model of tfjs, and as one of the reference. */
import * as tf from '@tensorflow/tfjs';

import { batchNormalization, convolution, depthwise } from '../src/layers/convolution.js';
import { activation, dense, flatten } from '../src/layers/dense.js';
import { embedding } from '../src/layers/embedding.js';
import { gru, lstm, simpleRnn } from '../src/layers/recurrent.js';
import { type Network, sequence } from '../src/network.js';

export interface Kind {
  /** Of one example. */
  readonly inputShape: readonly number[];
  readonly outputs: number;
  /** Inputs are whole numbers under this; any numbers, when absent. */
  readonly entries?: number;
  network(): Network;
  /** Its layers with weights have the names of those of the network. */
  layers(): tf.layers.Layer[];
}

const DECAY = 0.01;
const decayed = () => tf.regularizers.l2({ l2: DECAY });

const recurrentInput = [3, 5] as const;
const recurrent = { name: 'first', units: 4 };

export const kinds = {
  dense: {
    inputShape: [12],
    outputs: 4,
    network: () =>
      sequence([dense('first', 12, 10, { decay: DECAY }), activation('tanh'), dense('second', 10, 4)]),
    layers: () => [
      tf.layers.dense({ name: 'first', units: 10, kernelRegularizer: decayed() }),
      tf.layers.activation({ activation: 'tanh' }),
      tf.layers.dense({ name: 'second', units: 4 }),
    ],
  },
  convolution: {
    inputShape: [6, 6, 2],
    outputs: 3,
    network: () =>
      sequence([
        convolution('first', [6, 6, 2], 3, 4, DECAY),
        batchNormalization('norm', 4),
        activation('relu'),
        flatten(),
        dense('second', 64, 3),
      ]),
    layers: () => [
      tf.layers.conv2d({
        name: 'first',
        filters: 4,
        kernelSize: 3,
        useBias: false,
        kernelRegularizer: decayed(),
      }),
      tf.layers.batchNormalization({ name: 'norm' }),
      tf.layers.reLU(),
      tf.layers.flatten(),
      tf.layers.dense({ name: 'second', units: 3 }),
    ],
  },
  depthwise: {
    inputShape: [5, 5, 3],
    outputs: 3,
    network: () =>
      sequence([depthwise('first', [5, 5, 3], 3, 2), activation('tanh'), flatten(), dense('second', 54, 3)]),
    layers: () => [
      tf.layers.depthwiseConv2d({ name: 'first', kernelSize: 3, depthMultiplier: 2 }),
      tf.layers.activation({ activation: 'tanh' }),
      tf.layers.flatten(),
      tf.layers.dense({ name: 'second', units: 3 }),
    ],
  },
  embedding: {
    inputShape: [4],
    outputs: 3,
    entries: 9,
    network: () => sequence([embedding('first', 9, 6), flatten(), dense('second', 24, 3)]),
    layers: () => [
      tf.layers.embedding({ name: 'first', inputDim: 9, outputDim: 6 }),
      tf.layers.flatten(),
      tf.layers.dense({ name: 'second', units: 3 }),
    ],
  },
  simpleRnn: {
    inputShape: recurrentInput,
    outputs: 3,
    network: () => sequence([simpleRnn('first', recurrentInput, 4), dense('second', 4, 3)]),
    layers: () => [tf.layers.simpleRNN(recurrent), tf.layers.dense({ name: 'second', units: 3 })],
  },
  gru: {
    inputShape: recurrentInput,
    outputs: 3,
    network: () => sequence([gru('first', recurrentInput, 4), dense('second', 4, 3)]),
    layers: () => [tf.layers.gru(recurrent), tf.layers.dense({ name: 'second', units: 3 })],
  },
  lstm: {
    inputShape: recurrentInput,
    outputs: 3,
    network: () => sequence([lstm('first', recurrentInput, 4), dense('second', 4, 3)]),
    layers: () => [tf.layers.lstm(recurrent), tf.layers.dense({ name: 'second', units: 3 })],
  },
  /** One layer used twice. */
  shared: {
    inputShape: [8],
    outputs: 4,
    network: () => {
      const shared = dense('shared', 8, 8);
      return sequence([shared, activation('tanh'), shared, activation('tanh'), dense('second', 8, 4)]);
    },
    layers: () => {
      const shared = tf.layers.dense({ name: 'shared', units: 8 });
      return [
        shared,
        tf.layers.activation({ activation: 'tanh' }),
        shared,
        tf.layers.activation({ activation: 'tanh' }),
        tf.layers.dense({ name: 'second', units: 4 }),
      ];
    },
  },
  /** A frozen layer between two that train. */
  frozen: {
    inputShape: [8],
    outputs: 4,
    network: () =>
      sequence([
        dense('first', 8, 10),
        activation('tanh'),
        dense('frozen', 10, 8, { trainable: false }),
        activation('tanh'),
        dense('second', 8, 4),
      ]),
    layers: () => [
      tf.layers.dense({ name: 'first', units: 10 }),
      tf.layers.activation({ activation: 'tanh' }),
      tf.layers.dense({ name: 'frozen', units: 8, trainable: false }),
      tf.layers.activation({ activation: 'tanh' }),
      tf.layers.dense({ name: 'second', units: 4 }),
    ],
  },
} satisfies Record<string, Kind>;

export type KindName = keyof typeof kinds;
export const kindNames = Object.keys(kinds) as KindName[];

export function modelOf({ inputShape, layers }: Kind): tf.LayersModel {
  const input = tf.input({ shape: [...inputShape] });
  const outputs = layers().reduce((tensor, layer) => layer.apply(tensor) as tf.SymbolicTensor, input);
  return tf.model({ inputs: input, outputs });
}
