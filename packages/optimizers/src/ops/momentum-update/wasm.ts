// MomentumUpdate on the wasm backend. The arithmetic is in wasm.as.ts.

import { floatInput, offsetOf, takeOver, type WasmCall, type WasmKernel } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { kernelsOf } from '../../backends/wasm/exports.js';
import type { MomentumStep } from './index.js';

/** weight, gradient and velocity of one shape → the new weight, the new velocity; uses up the old ones. */
function momentumUpdate(call: WasmCall): tf.TensorInfo[] {
  const { attrs, backend } = call;
  const weight = floatInput('MomentumUpdate', 'weight', call);
  const gradient = floatInput('MomentumUpdate', 'gradient', call, weight.shape);
  const velocity = floatInput('MomentumUpdate', 'velocity', call, weight.shape);
  const { learningRate, momentum, weightDecay, nesterov } = attrs as unknown as MomentumStep;
  const old = [weight, gradient, velocity].map((x) => offsetOf(backend, x)) as [number, number, number];
  const newWeight = takeOver(backend, weight);
  const newVelocity = takeOver(backend, velocity);
  kernelsOf(backend).momentumUpdate(
    ...old,
    offsetOf(backend, newWeight),
    offsetOf(backend, newVelocity),
    tf.util.sizeFromShape(weight.shape),
    learningRate,
    momentum,
    weightDecay,
    nesterov,
  );
  return [newWeight, newVelocity];
}

export const kernels: Readonly<Record<string, WasmKernel>> = { MomentumUpdate: momentumUpdate };
