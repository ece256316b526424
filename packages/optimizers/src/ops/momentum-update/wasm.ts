// MomentumUpdate on the wasm backend. The arithmetic is in wasm.as.ts.

import { floatInput, offsetOf, takeOver, type WasmCall, type WasmKernel } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { kernelsOf, type MomentumSettings } from '../../backends/wasm/exports.js';
import { updateKept, type UpdateInPlace } from '../../backends/wasm/update-kept.js';
import type { MomentumStep } from './index.js';

/** weight, gradient and velocity of one shape → the new weight, the new velocity; uses up the old ones. */
function momentumUpdate(call: WasmCall): tf.TensorInfo[] {
  const { attrs, backend } = call;
  const weight = floatInput('MomentumUpdate', 'weight', call);
  const gradient = floatInput('MomentumUpdate', 'gradient', call, weight.shape);
  const velocity = floatInput('MomentumUpdate', 'velocity', call, weight.shape);
  const { learningRate, momentum, weightDecay, nesterov } = attrs as unknown as MomentumStep;
  const settings: MomentumSettings = [learningRate, momentum, weightDecay, Number(nesterov)];
  const kept = updateKept(backend, inPlace, [weight, velocity], gradient, settings);
  if (kept) return kept;
  const old = [weight, gradient, velocity].map((x) => offsetOf(backend, x)) as [number, number, number];
  const newWeight = takeOver(backend, weight);
  const newVelocity = takeOver(backend, velocity);
  kernelsOf(backend).momentumUpdate(
    ...old,
    offsetOf(backend, newWeight),
    offsetOf(backend, newVelocity),
    tf.util.sizeFromShape(weight.shape),
    ...settings,
  );
  return [newWeight, newVelocity];
}

const inPlace: UpdateInPlace = {
  step: ({ momentumUpdate: update }, [w, v], g, size, settings) =>
    update(w!, g, v!, w!, v!, size, ...(settings as MomentumSettings)),
  catchUp: ({ momentumCatchUp }, [w, v], rest) => momentumCatchUp(w!, v!, ...rest),
};

export const kernels: Readonly<Record<string, WasmKernel>> = { MomentumUpdate: momentumUpdate };
