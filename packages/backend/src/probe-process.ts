/** The process that tries a backend and tells what came of it: see inspect.ts. Its argument is the choice. */
import type { BackendChoice } from './choice.js';
import type { ProbeAnswer } from './inspect.js';
import { startBackend } from './start.js';
import { adapterNames } from './webgpu/adapters.js';

const choice = process.argv[2] as BackendChoice;

async function answer(): Promise<ProbeAnswer> {
  const adapters = choice.startsWith('webgpu') ? await adapterNames().catch(() => []) : [];
  return startBackend(choice).then(
    ({ name, device, kind, choice }) => ({ started: { name, device, kind, choice }, error: null, adapters }),
    (error: Error) => ({ started: null, error: error.message.split('\n')[0] ?? '', adapters }),
  );
}

process.send?.(await answer(), () => process.exit(0));
