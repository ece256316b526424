// SoftmaxAttention and SoftmaxAttentionGrad on the wasm backend. The arithmetic is in wasm.as.ts.

import * as tf from '@tensorflow/tfjs';

import { exportsOf } from '../../backends/wasm/training.js';
import { newOutput, offsetOf } from '../../backends/wasm/heap.js';
import { floatInput } from '../../backends/wasm/inputs.js';
import type { WasmCall, WasmKernel } from '../../backends/wasm/kernel.js';
import type { AttentionAttributes } from './index.js';

interface Exports {
  attention(logits: number, out: number, ...settings: Settings): void;
  attentionGrad(dy: number, logits: number, dLogits: number, ...settings: Settings): void;
}

type Settings = [size: number, normalised: boolean, temperature: number, minimum: number, maximum: number];

/** logits of any shape → attention of the same. */
function softmaxAttention(call: WasmCall): tf.TensorInfo {
  const { backend } = call;
  const logits = floatInput('SoftmaxAttention', 'logits', call);
  const out = newOutput(backend, logits.shape);
  const offsets = [offsetOf(backend, logits), offsetOf(backend, out)] as const;
  exportsOf<Exports>(backend).attention(...offsets, ...settings(logits, call));
  return out;
}

/** dy and the logits → the gradient by the logits. */
function softmaxAttentionGrad(call: WasmCall): tf.TensorInfo {
  const { backend } = call;
  const logits = floatInput('SoftmaxAttentionGrad', 'logits', call);
  const dy = floatInput('SoftmaxAttentionGrad', 'dy', call, logits.shape);
  const dLogits = newOutput(backend, logits.shape);
  const offsets = [dy, logits, dLogits].map((x) => offsetOf(backend, x)) as [number, number, number];
  exportsOf<Exports>(backend).attentionGrad(...offsets, ...settings(logits, call));
  return dLogits;
}

function settings({ shape }: tf.TensorInfo, { attrs }: WasmCall): Settings {
  const { normalised, temperature, minimum, maximum } = attrs as unknown as AttentionAttributes;
  return [tf.util.sizeFromShape(shape), normalised, temperature, minimum, maximum];
}

export const kernels: Readonly<Record<string, WasmKernel>> = {
  SoftmaxAttention: softmaxAttention,
  SoftmaxAttentionGrad: softmaxAttentionGrad,
};
