// Puts a gradient that is one kernel in the place of one that tfjs composes of many ops.

import * as tf from '@tensorflow/tfjs';

/** For each input, by its name, the function that gives its gradient. */
export type Gradients = ReturnType<tf.GradFunc>;

/**
 * Registers a gradient for `kernelName` that is used on the wasm backend where `fused` serves the case, which it says
 * by giving null where it does not. The stock gradient stays for other backends, and wherever a gradient is itself
 * recorded to be differentiated, since fused kernels have no gradients.
 */
export function replaceGradient(
  kernelName: string,
  fused: (...args: Parameters<tf.GradFunc>) => Gradients | null,
): void {
  const stock = tf.getGradient(kernelName);
  tf.unregisterGradient(kernelName);
  tf.registerGradient({
    ...stock,
    gradFunc: (dy, saved, attrs) => {
      const usable = tf.getBackend() === 'wasm' && tf.engine().state.gradientDepth === 0;
      return (usable && fused(dy, saved, attrs)) || stock.gradFunc(dy, saved, attrs);
    },
  });
}
