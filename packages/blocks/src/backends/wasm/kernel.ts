// Kernels for the wasm backend in tfjs' registry. Registering needs no backend: it may be imported before or after.

import * as tf from '@tensorflow/tfjs';

import { assertKernel, registerOwnKernel } from '../../operation.js';
import type { WasmBackend } from './heap.js';

/** A kernel for the wasm backend. */
export type WasmKernel = (call: WasmCall) => tf.TensorInfo | tf.TensorInfo[];

export interface WasmCall {
  readonly inputs: Readonly<Record<string, tf.TensorInfo | undefined>>;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly backend: WasmBackend;
}

/**
 * Registers a kernel for the wasm backend in place of the stock one, which `make` receives to fall back to.
 * The stock kernel stays set up with the backend.
 *
 * @throws if tfjs has no kernel of this name for wasm: import '@tensorflow/tfjs-backend-wasm' first
 */
export function replaceWasmKernel(kernelName: string, make: (stock: WasmKernel) => WasmKernel): void {
  assertKernel(kernelName, make, 'replaceWasmKernel()');
  const stock = tf.getKernel(kernelName, 'wasm');
  if (!stock) throw new Error(`The tfjs wasm backend has no kernel '${kernelName}' to replace.`);
  tf.unregisterKernel(kernelName, 'wasm');
  const kernelFunc = make(stock.kernelFunc as unknown as WasmKernel);
  tf.registerKernel({ ...stock, kernelFunc: kernelFunc as unknown as tf.KernelFunc });
}

/** Registers a kernel that the wasm backend lacks; leaves one alone that is already there. */
export function registerWasmKernel(kernelName: string, kernelFunc: WasmKernel): void {
  assertKernel(kernelName, kernelFunc, 'registerWasmKernel()');
  registerOwnKernel({
    kernelName,
    backendName: 'wasm',
    kernelFunc: kernelFunc as unknown as tf.KernelFunc,
  });
}
