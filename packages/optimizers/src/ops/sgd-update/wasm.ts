// SgdUpdate on the wasm backend. The arithmetic is in wasm.as.ts.

import { floatInput, offsetOf, takeOver, type WasmCall, type WasmKernel } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { kernelsOf, type SgdSettings } from '../../backends/wasm/exports.js';
import { updateKept, type UpdateInPlace } from '../../backends/wasm/update-kept.js';
import type { SgdStep } from './index.js';

/** weight and gradient of one shape → the new weight; uses up the weight. */
function sgdUpdate(call: WasmCall): tf.TensorInfo {
  const { attrs, backend } = call;
  const weight = floatInput('SgdUpdate', 'weight', call);
  const gradient = floatInput('SgdUpdate', 'gradient', call, weight.shape);
  const { learningRate, weightDecay } = attrs as unknown as SgdStep;
  const settings: SgdSettings = [learningRate, weightDecay];
  const kept = updateKept(backend, inPlace, [weight], gradient, settings);
  if (kept) return kept[0]!;
  const old = [weight, gradient].map((x) => offsetOf(backend, x)) as [number, number];
  const newWeight = takeOver(backend, weight);
  const size = tf.util.sizeFromShape(weight.shape);
  kernelsOf(backend).sgdUpdate(...old, offsetOf(backend, newWeight), size, ...settings);
  return newWeight;
}

const inPlace: UpdateInPlace = {
  step: ({ sgdUpdate: update }, [w], g, size, settings) =>
    update(w!, g, w!, size, ...(settings as SgdSettings)),
  catchUp: ({ sgdCatchUp }, [w], rest) => sgdCatchUp(w!, ...rest),
};

export const kernels: Readonly<Record<string, WasmKernel>> = { SgdUpdate: sgdUpdate };
