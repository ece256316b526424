// Inputs and attributes of the wasm kernels, checked before any memory is touched.

import type { TensorInfo } from '@tensorflow/tfjs';

import { BlockPattern } from '../../pattern.js';
import { TrainingMask } from '../../training-mask.js';
import type { WasmCall } from './kernel.js';

/** @throws TypeError when the attribute is not a pattern */
export function patternOfCall(kernel: string, { attrs }: WasmCall): BlockPattern {
  const pattern = attrs['pattern'];
  if (pattern instanceof BlockPattern) return pattern;
  throw new TypeError(
    `${kernel}: the attribute 'pattern' must be a BlockPattern, as patternOf makes one, got ${String(pattern)}`,
  );
}

/** @throws TypeError when the attribute is not a mask */
export function maskOfCall(kernel: string, { attrs }: WasmCall): TrainingMask {
  const mask = attrs['mask'];
  if (mask instanceof TrainingMask) return mask;
  throw new TypeError(`${kernel}: the attribute 'mask' must be a TrainingMask, got ${String(mask)}`);
}

/**
 * A float32 input of a given shape, of any where none is given; null stands for any length.
 *
 * @throws TypeError, RangeError when the input is missing, of another type or of another shape
 */
export function floatInput(
  kernel: string,
  name: string,
  { inputs }: WasmCall,
  shape?: readonly (number | null)[],
): TensorInfo {
  const tensor = inputs[name];
  if (tensor?.dtype !== 'float32') {
    throw new TypeError(`${kernel}: the input '${name}' must be float32, got ${tensor?.dtype ?? 'nothing'}`);
  }
  if (!shape) return tensor;
  const fits =
    tensor.shape.length === shape.length &&
    shape.every((length, axis) => length === null || length === tensor.shape[axis]);
  if (fits) return tensor;
  const wanted = shape.map((length) => length ?? 'any').join(', ');
  throw new RangeError(
    `${kernel}: the input '${name}' must have the shape [${wanted}], got [${tensor.shape.join(', ')}]`,
  );
}
