// AdamUpdate on the wasm backend. The arithmetic is in wasm.as.ts.

import { floatInput, offsetOf, takeOver, type WasmCall, type WasmKernel } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import { kernelsOf, type AdamSettings } from '../../backends/wasm/exports.js';
import { updateKept, type UpdateInPlace } from '../../backends/wasm/update-kept.js';
import { biasCorrection, type AdamStep } from './index.js';

/** weight, gradient and both moments, of one shape → the new weight and moments; uses up the old ones. */
function adamUpdate(call: WasmCall): tf.TensorInfo[] {
  const { attrs, backend } = call;
  const weight = floatInput('AdamUpdate', 'weight', call);
  const gradient = floatInput('AdamUpdate', 'gradient', call, weight.shape);
  const first = floatInput('AdamUpdate', 'first', call, weight.shape);
  const second = floatInput('AdamUpdate', 'second', call, weight.shape);
  const settings = attrs as unknown as AdamStep;
  const { beta1, beta2, epsilon, weightDecay } = settings;
  const { rate, root } = biasCorrection(settings);
  const given: AdamSettings = [rate, beta1, 1 - beta1, beta2, 1 - beta2, epsilon, root, weightDecay];
  const kept = updateKept(backend, inPlace, [weight, first, second], gradient, given);
  if (kept) return kept;
  const old = [weight, gradient, first, second].map((x) => offsetOf(backend, x));
  const newWeight = takeOver(backend, weight);
  const newFirst = takeOver(backend, first);
  const newSecond = takeOver(backend, second);
  kernelsOf(backend).adamUpdate(
    ...(old as [number, number, number, number]),
    offsetOf(backend, newWeight),
    offsetOf(backend, newFirst),
    offsetOf(backend, newSecond),
    tf.util.sizeFromShape(weight.shape),
    ...given,
  );
  return [newWeight, newFirst, newSecond];
}

const inPlace: UpdateInPlace = {
  step: ({ adamUpdate: update }, [w, m, v], g, size, settings) =>
    update(w!, g, m!, v!, w!, m!, v!, size, ...(settings as AdamSettings)),
  catchUp: ({ adamCatchUp }, [w, m, v], rest) => adamCatchUp(w!, m!, v!, ...rest),
};

export const kernels: Readonly<Record<string, WasmKernel>> = { AdamUpdate: adamUpdate };
