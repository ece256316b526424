/**
 * Fused products and convolutions on wasm read a bias, and slopes, that are not one for each channel beyond their end, and add
 * the bias of a product with a transposed factor to its first row alone.
 */
import * as tf from '@tensorflow/tfjs';

import { composed, outcome, type Attributes, type Kernel, type KernelCall, type Repair } from '../repair.js';

/** Bias and activation in ops of their own, where the stock kernel does not serve them. */
const perChannel =
  (channelsOf: (call: KernelCall) => number) =>
  (stock: Kernel): Kernel =>
  (call) => {
    const { bias, preluActivationWeights: slopes } = call.inputs;
    const channels = channelsOf(call);
    const served = [bias, slopes].every((x) => !x || (x.rank === 1 && x.size === channels));
    const plain = !call.attrs['transposeA'] && !call.attrs['transposeB'];
    if (served && (plain || !bias)) return stock(call);
    return composed(({ inputs, attrs, backend }) => {
      const { bias: _bias, preluActivationWeights: _slopes, ...rest } = inputs;
      const product = outcome(stock, { inputs: rest, attrs: { ...attrs, activation: 'linear' }, backend });
      return activated(bias ? tf.add(product, bias) : product, attrs, slopes);
    })(call);
  };

function activated(x: tf.Tensor, attrs: Attributes, slopes: tf.Tensor | undefined): tf.Tensor {
  const activation = (attrs['activation'] as string | undefined) ?? 'linear';
  switch (activation) {
    case 'linear':
      return x;
    case 'relu':
      return tf.relu(x);
    case 'relu6':
      return tf.relu6(x);
    case 'elu':
      return tf.elu(x);
    case 'sigmoid':
      return tf.sigmoid(x);
    case 'leakyrelu':
      return tf.leakyRelu(x, attrs['leakyreluAlpha'] as number);
    case 'prelu':
      return tf.prelu(x, slopes!);
    default:
      throw new Error(`There is no fused activation '${activation}' on the wasm backend`);
  }
}

export const fused: Repair = {
  kernels: {
    wasm: {
      _FusedMatMul: perChannel(({ inputs, attrs }) => inputs['b']!.shape[attrs['transposeB'] ? 1 : 2]!),
      FusedConv2D: perChannel(({ inputs }) => inputs['filter']!.shape[3]!),
      FusedDepthwiseConv2D: perChannel(
        ({ inputs }) => inputs['filter']!.shape[2]! * inputs['filter']!.shape[3]!,
      ),
    },
  },
};
