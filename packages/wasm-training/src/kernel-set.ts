// What a file of kernels/ brings to the wasm backend, and how it gets into tfjs' registry.

import {
  areGradientsDifferentiated,
  registerWasmKernel,
  replaceWasmKernel,
  type WasmKernel,
} from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

/** Kernels and gradients by their names with tfjs. */
export interface KernelSet {
  /** In the place of the stock kernels, which they receive to fall back to. */
  readonly replaced?: Readonly<Record<string, (stock: WasmKernel) => WasmKernel>>;
  /** What the backend lacks. */
  readonly added?: Readonly<Record<string, WasmKernel>>;
  /** Gradients that are one kernel, in the place of those that tfjs composes of many ops. */
  readonly gradients?: Readonly<Record<string, FusedGradient>>;
  /** Gradients of what is added. */
  readonly ownGradients?: Readonly<Record<string, Omit<tf.GradConfig, 'kernelName'>>>;
}

/** A gradient function; it gives null where it does not serve the case. */
export type FusedGradient = (...args: Parameters<tf.GradFunc>) => ReturnType<tf.GradFunc> | null;

export function register({ replaced = {}, added = {}, gradients = {}, ownGradients = {} }: KernelSet): void {
  for (const [name, make] of Object.entries(replaced)) replaceWasmKernel(name, make);
  for (const [name, kernel] of Object.entries(added)) registerWasmKernel(name, kernel);
  for (const [name, fused] of Object.entries(gradients)) replaceGradient(name, fused);
  for (const [kernelName, own] of Object.entries(ownGradients)) tf.registerGradient({ kernelName, ...own });
}

/**
 * Registers a gradient that is used on the wasm backend. The stock gradient stays for other backends, for the cases that
 * `fused` does not serve, and wherever a gradient is itself recorded to be differentiated, since fused kernels have no
 * gradients.
 */
function replaceGradient(kernelName: string, fused: FusedGradient): void {
  const stock = tf.getGradient(kernelName);
  tf.unregisterGradient(kernelName);
  tf.registerGradient({
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const usable = tf.getBackend() === 'wasm' && !areGradientsDifferentiated();
      return (usable && fused(dy, saved, attrs)) || stock.gradFunc(dy, saved, attrs);
    },
  });
}
