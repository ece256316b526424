/** How a kernel in WGSL is registered with tfjs. */
import * as tf from '@tensorflow/tfjs';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/** tfjs writes the declarations of inputs and uniforms, and the entry point, around its `getUserCode()`. */
export type Program = Parameters<WebGPUBackend['runWebGPUProgram']>[0];

export interface KernelCall<Attributes> {
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  readonly attributes: Attributes;
  readonly backend: WebGPUBackend;
}

/** Registers a kernel for the webgpu backend; a second time is once. */
export function registerKernel<Attributes>(
  kernelName: string,
  kernel: (call: KernelCall<Attributes>) => tf.TensorInfo,
): void {
  if (tf.getKernel(kernelName, 'webgpu')) return;
  tf.registerKernel({
    kernelName,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, attrs, backend }) =>
      kernel({
        inputs: inputs as KernelCall<Attributes>['inputs'],
        attributes: attrs as unknown as Attributes,
        backend: backend as WebGPUBackend,
      }),
  });
}
