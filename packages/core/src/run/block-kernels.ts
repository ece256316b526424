/**
 * The kernels of `@espalier/blocks` for the backend in force, and the repairs of its gradients: a run needs both in every
 * step. Each backend's kernels are loaded when they are first needed, so that a bundle for one of them does not carry the
 * others.
 */
import * as tf from '@tensorflow/tfjs';

const KERNELS: Readonly<Record<string, () => Promise<unknown>>> = {
  cpu: () => import('@espalier/blocks/cpu'),
  wasm: () => import('@espalier/blocks/wasm'),
  webgpu: () => import('@espalier/blocks/webgpu'),
};

/** Registers them for tfjs' backend of the moment. One that has no kernels composes the ops of tfjs' own. */
export async function registerBlockKernels(): Promise<void> {
  await tf.ready();
  const backend = tf.getBackend();
  if (Object.hasOwn(KERNELS, backend)) await KERNELS[backend]?.();
  const { repairGradients } = await import('@espalier/gradients');
  repairGradients(backend);
}
