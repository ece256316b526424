// What the benchmarks compare with, and where it lies once set-up.mjs has put it there: Python's packages each in a virtual
// environment of its own, since they ask for different versions of the same ones; onnxruntime-node in node_modules.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** By name: the title, and what is imported to see that it is there; of what is Python's. */
export const PYTHON_PEERS = {
  torch: { title: 'PyTorch', module: 'torch' },
  tensorflow: { title: 'TensorFlow', module: 'tensorflow' },
  jax: { title: 'JAX', module: 'jax' },
};

export const PEERS = [...Object.keys(PYTHON_PEERS), 'onnxruntime'];

/** The pinned packages of one peer, as pip reads them. */
export const requirementsOf = (peer) => join(FOLDER, `${peer}.txt`);

/** The virtual environment of one peer, and the file there that says of what it was made, once it is whole. */
export function environmentOf(peer, folder = FOLDER) {
  const environment = join(folder, 'environments', peer);
  return { environment, made: join(environment, 'made-of.txt'), python: pythonIn(environment) };
}

function pythonIn(environment) {
  return process.platform === 'win32'
    ? join(environment, 'Scripts', 'python.exe')
    : join(environment, 'bin', 'python');
}

/** Whether an environment is there, whole, and of the versions that are pinned now. */
export function isSetUp(peer, folder = FOLDER) {
  const { made, python } = environmentOf(peer, folder);
  return (
    existsSync(python) &&
    existsSync(made) &&
    readFileSync(made, 'utf8') === readFileSync(requirementsOf(peer), 'utf8')
  );
}

/** The Python that has a peer; null where it is not set up. */
export function pythonOf(peer, folder = FOLDER) {
  return isSetUp(peer, folder) ? environmentOf(peer, folder).python : null;
}

/** What to say where a peer is absent. */
export const commandFor = (peer) => `node benchmarks/peers/set-up.mjs ${peer}`;
