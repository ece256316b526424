// Two kernels for softmax attention over blocks: a handful of small ops of tfjs, forward and back, takes longer in
// JavaScript than in arithmetic.

import { type KernelCall, type WasmBackend, offsetOf } from '@espalier/wasm-module';
import * as tf from '@tensorflow/tfjs';
import { kernelsOf } from './kernels.js';

/**
 * Name and contract of a kernel: logits of any shape, G of them, attrs { temperature, minimum, maximum } →
 * G · softmax(logits / temperature) over all of them, clipped to [minimum, maximum], in the logits' shape.
 */
export const SOFTMAX_ATTENTION = 'SoftmaxAttention';
/** Name and contract of a kernel: dy and the logits of SoftmaxAttention, its attrs → the gradient by the logits. */
export const SOFTMAX_ATTENTION_GRAD = 'SoftmaxAttentionGrad';

export function softmaxAttention({ inputs, attrs, backend }: KernelCall): tf.TensorInfo {
  const logits = floats(SOFTMAX_ATTENTION, 'logits', inputs['logits']);
  const out = backend.makeOutput(logits.shape, 'float32');
  kernelsOf(backend).exports.attention(...offsets(backend, logits, out), ...settings(logits, attrs));
  return out;
}

export function softmaxAttentionGrad({ inputs, attrs, backend }: KernelCall): tf.TensorInfo {
  const dy = floats(SOFTMAX_ATTENTION_GRAD, 'dy', inputs['dy']);
  const logits = floats(SOFTMAX_ATTENTION_GRAD, 'logits', inputs['logits']);
  const dLogits = backend.makeOutput(logits.shape, 'float32');
  kernelsOf(backend).exports.attentionGrad(
    offsetOf(backend, dy),
    ...offsets(backend, logits, dLogits),
    ...settings(logits, attrs),
  );
  return dLogits;
}

function offsets(backend: WasmBackend, from: tf.TensorInfo, to: tf.TensorInfo): [number, number] {
  return [offsetOf(backend, from), offsetOf(backend, to)];
}

function settings(
  { shape }: tf.TensorInfo,
  attrs: KernelCall['attrs'],
): [size: number, temperature: number, minimum: number, maximum: number] {
  const { temperature, minimum, maximum } = attrs as Record<string, number>;
  return [tf.util.sizeFromShape(shape), temperature!, minimum!, maximum!];
}

function floats(kernel: string, name: string, tensor: tf.TensorInfo | undefined): tf.TensorInfo {
  if (tensor?.dtype === 'float32') return tensor;
  throw new Error(`${kernel}: input '${name}' must be of float32, got ${tensor?.dtype ?? 'nothing'}.`);
}
