// The activations that tfjs fuses into a product, on four lanes.

import { exp4, expm1of4 } from '@espalier/blocks/src/backends/wasm/exponential.as';

/** Numbers shared with src/matmul.ts. */
export enum ActivationKind {
  Linear = 0,
  Relu = 1,
  Relu6 = 2,
  Prelu = 3,
  LeakyRelu = 4,
  Sigmoid = 5,
  Elu = 6,
}

/** `slope` is the factor for negative values of prelu and leakyrelu. */
// @ts-ignore: decorator
@inline
export function activate(x: v128, kind: ActivationKind, slope: v128): v128 {
  const zero = f32x4.splat(0);
  switch (kind) {
    case ActivationKind.Relu:
      return f32x4.max(x, zero);
    case ActivationKind.Relu6:
      return f32x4.min(f32x4.max(x, zero), f32x4.splat(6));
    case ActivationKind.Prelu:
    case ActivationKind.LeakyRelu:
      return v128.bitselect(f32x4.mul(x, slope), x, f32x4.lt(x, zero));
    case ActivationKind.Sigmoid:
      return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))));
    case ActivationKind.Elu:
      return v128.bitselect(expm1of4(x), x, f32x4.lt(x, zero));
    default:
      return x;
  }
}
