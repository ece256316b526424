/** What a checkpoint does not tell of a layer, and PyTorch's modules have otherwise unless they are told. */
import type * as tf from '@tensorflow/tfjs';

import { isOneOrder } from './flattened.js';

/** What we use of layers that tfjs does not declare. */
interface Checked {
  readonly epsilon?: number;
  readonly padding?: string;
  readonly strides?: number[] | number;
  readonly kernelSize?: number[] | number;
  readonly targetShape?: number[];
  readonly poolSize?: number[] | number;
  readonly alpha?: number;
}

/** What is to be the same in both, and stands in no checkpoint. */
export function checksOf(layer: tf.layers.Layer): string[] {
  const {
    epsilon,
    padding,
    strides = 1,
    kernelSize,
    poolSize,
    targetShape,
    alpha,
  } = layer as unknown as Checked;
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
