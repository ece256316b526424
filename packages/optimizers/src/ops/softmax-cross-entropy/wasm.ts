// SoftmaxCrossEntropy and SoftmaxCrossEntropyGrad on the wasm backend. The arithmetic is in wasm.as.ts.

import { floatInput, memoryOf, newOutput, offsetOf, type WasmCall, type WasmKernel } from '@espalier/blocks';
import type { TensorInfo } from '@tensorflow/tfjs';

import { kernelsOf } from '../../backends/wasm/exports.js';

/** labels and logits [batch, classes] → their cross-entropy's mean, a scalar. */
function softmaxCrossEntropy(call: WasmCall): TensorInfo {
  const { backend } = call;
  const logits = floatInput('SoftmaxCrossEntropy', 'logits', call, [null, null]);
  const labels = floatInput('SoftmaxCrossEntropy', 'labels', call, logits.shape);
  const [rows, columns] = logits.shape as [number, number];
  const out = newOutput(backend, []);
  const offsets = [offsetOf(backend, labels), offsetOf(backend, logits)] as const;
  const sum = kernelsOf(backend).crossEntropy(...offsets, rows, columns);
  new Float32Array(memoryOf(backend).buffer, offsetOf(backend, out), 1)[0] = sum / Math.max(1, rows);
  return out;
}

/** dy, a scalar, labels and logits → the gradient by the logits. */
function softmaxCrossEntropyGrad(call: WasmCall): TensorInfo {
  const { backend } = call;
  const logits = floatInput('SoftmaxCrossEntropyGrad', 'logits', call, [null, null]);
  const labels = floatInput('SoftmaxCrossEntropyGrad', 'labels', call, logits.shape);
  const dy = floatInput('SoftmaxCrossEntropyGrad', 'dy', call, []);
  const [rows, columns] = logits.shape as [number, number];
  const dLogits = newOutput(backend, [rows, columns]);
  const offsets = [labels, logits, dLogits].map((x) => offsetOf(backend, x)) as [number, number, number];
  const flow = new Float32Array(memoryOf(backend).buffer, offsetOf(backend, dy), 1)[0]!;
  kernelsOf(backend).crossEntropyGrad(...offsets, rows, columns, flow / Math.max(1, rows));
  return dLogits;
}

export const kernels: Readonly<Record<string, WasmKernel>> = {
  SoftmaxCrossEntropy: softmaxCrossEntropy,
  SoftmaxCrossEntropyGrad: softmaxCrossEntropyGrad,
};
