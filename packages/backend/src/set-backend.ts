import * as tf from '@tensorflow/tfjs';

import { BackendError, type BackendName } from './choice.js';

/** Makes a registered backend tfjs' current one. */
export async function setBackend(name: BackendName): Promise<void> {
  const started = await tf.setBackend(name).catch(() => false);
  if (!started) throw new BackendError(`The tfjs backend ${name} did not start`);
  await tf.ready();
}
