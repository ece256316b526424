/** Starts what a trial computes on, in its own process. */
import { startBackend, type NamedChoice, type StartedBackend } from '@espalier/backend';
import { useAccelerators } from '@espalier/wasm-training/accelerators';

import type { Computing } from '../../trial/trial.js';

export async function startFor({ backend, accelerators, threads }: Computing): Promise<StartedBackend> {
  const started = await startBackend(backend as NamedChoice, { threads });
  if (accelerators.length === 0) return started;
  const names = accelerators.map(({ name, library }) => (library ? `${name}:${library.path}` : name));
  await useAccelerators(names, { threads });
  return started;
}
