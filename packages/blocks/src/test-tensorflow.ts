/** The native TensorFlow backend, for tests, where an addon of it is installed. */
import { existsSync } from 'node:fs';

import * as tf from '@tensorflow/tfjs';

import type { TensorflowBackend } from './backends/tensorflow/kernel.js';
import { NATIVE_KERNELS } from './backends/tensorflow/kernel.js';

/** What knows it stands above this package, and is named by its place: what is built of it, as it is now. */
const BACKEND = new URL('../../backend/dist/index.js', import.meta.url);

/** @returns where the backend computes; why it is absent where it is */
export async function startTensorflow(): Promise<{ absent: boolean; where: string }> {
  if (!existsSync(BACKEND)) return { absent: true, where: 'skipped: npm run build' };
  const { startBackend } = (await import(BACKEND.href)) as {
    startBackend(choice: 'tensorflow'): Promise<{ device: string }>;
  };
  return startBackend('tensorflow').then(
    ({ device }) => ({ absent: false, where: device }),
    ({ message }: Error) => ({ absent: true, where: `skipped: ${message}` }),
  );
}

/**
 * Until it is undone, kernels are made of TensorFlow's own ops, as where those of blocks were not compiled.
 *
 * @returns what undoes it
 */
export function withoutNativeKernels(): () => void {
  const { binding } = tf.backend() as unknown as TensorflowBackend;
  const own = Object.getOwnPropertyDescriptor(binding, NATIVE_KERNELS);
  delete (binding as { [NATIVE_KERNELS]?: true })[NATIVE_KERNELS];
  return () => {
    if (own) Object.defineProperty(binding, NATIVE_KERNELS, own);
  };
}
