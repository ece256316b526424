/** `Step`, which tfjs makes the gradient of ReLU of: in one pass, where the backend's own kernel calls TensorFlow seven times. */
import * as tf from '@tensorflow/tfjs';

import {
  usesNativeKernels,
  kernelFuncOf,
  type Handle,
  type TensorflowBackend,
  type TensorflowRun,
} from './kernel.js';

/** Puts a kernel of ours before the backend's own, which serves where ours does not: on a GPU, and of other numbers. */
export function replaceStep(): void {
  const stock = tf.getKernel('Step', 'tensorflow');
  if (!stock) return;
  const own = kernelFuncOf(step);
  const kernelFunc: tf.KernelFunc = (call) => {
    const { dtype } = call.inputs['x'] as tf.TensorInfo;
    const isOurs = dtype === 'float32' && usesNativeKernels(call.backend as TensorflowBackend);
    return (isOurs ? own : stock.kernelFunc)(call);
  };
  tf.unregisterKernel('Step', 'tensorflow');
  tf.registerKernel({ ...stock, kernelFunc });
}

/** 1 of what is above 0, `alpha` of what is not, NaN of NaN. */
function step(
  run: TensorflowRun,
  { x }: Readonly<Record<'x', Handle>>,
  { alpha }: { readonly alpha: number },
): Handle {
  return run.op('EspalierStep', [x], alpha === 0 ? [] : [run.float('alpha', alpha)]);
}
